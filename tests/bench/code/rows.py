"""Rows in the layouts that people have on disk; the tasks are our own."""

from __future__ import annotations

from typing import Any

HUMANEVAL: dict[str, Any] = {
    "task_id": "HumanEval/0",
    "prompt": 'from typing import List\n\n\ndef tops(xs: List[int]) -> int:\n    """ Largest of xs.\n    """\n',
    "entry_point": "tops",
    "canonical_solution": "    return max(xs)\n",
    "test": "\n\nMETADATA = {'author': 'us'}\n\n\ndef check(candidate):\n    assert candidate([1, 3]) == 3\n",
}
EVALPLUS: dict[str, Any] = {
    "task_id": "HumanEval/1",
    "prompt": 'def half(x):\n    """Half of x."""\n',
    "entry_point": "half",
    "canonical_solution": "    return x / 2\n",
    "contract": "    assert x >= 0\n",
    "base_input": [[2], [3]],
    "plus_input": [[0], [10**20], [0.1]],
    "atol": 1e-06,
}
HUMANEVAL_X_PYTHON: dict[str, Any] = {
    "task_id": "Python/0",
    "prompt": 'def twice(x: int) -> int:\n    """ Twice x. """\n',
    "declaration": "def twice(x: int) -> int:\n",
    "canonical_solution": "    return 2 * x\n",
    "test": "\ndef check(twice):\n    assert twice(4) == 8\n\ncheck(twice)\n",
    "example_test": "\ndef check(twice):\n    assert twice(1) == 2\ncheck(twice)\n",
}
HUMANEVAL_X_JAVASCRIPT: dict[str, Any] = {
    "task_id": "JavaScript/0",
    "prompt": "/* Twice x. */\nconst twice = (x) => {\n",
    "declaration": "\nconst twice = (x) => {\n",
    "canonical_solution": "  return 2 * x;\n}\n\n",
    "test": "const testTwice = () => {\n  console.assert(twice(4) === 8)\n}\n\ntestTwice()\n",
    "example_test": "const testTwice = () => {\n  console.assert(twice(1) === 2)\n}\ntestTwice()\n",
}
MBPP: dict[str, Any] = {
    "task_id": 11,
    "text": "Write a function to shout a word.",
    "code": "def shout(word):\r\n  return word.upper() + '!'",
    "test_list": ['assert shout("ab") == "AB!"', 'assert shout("") == "!"'],
    "test_setup_code": "",
    "challenge_test_list": ['assert shout("é") == "É!"'],
}
MBPP_PLUS: dict[str, Any] = {
    "task_id": 12,
    "prompt": "Write a function to add one to each.",
    "code": "def add_one(xs):\n    return [x + 1 for x in xs]",
    "source_file": "ours.ipynb",
    "test_imports": ["import math"],
    "test_list": ["assert add_one([1]) == [2]"],
    "test": "inputs = [[[1, 2]], [[]]]\nresults = [[2, 3], []]\n"
    "for i, (inp, exp) in enumerate(zip(inputs, results)):\n    assert add_one(*inp) == exp\n",
}
BIGCODEBENCH: dict[str, Any] = {
    "task_id": "BigCodeBench/0",
    "complete_prompt": 'import json\nimport random\n\ndef task_func(seed):\n    """Seeded numbers as JSON."""\n',
    "instruct_prompt": "Write task_func(seed) that gives seeded numbers as JSON.",
    "canonical_solution": "    random.seed(seed)\n    return json.dumps([random.random()])\n",
    "code_prompt": "import json\nimport random\ndef task_func(seed):\n",
    "test": "import unittest\nclass TestCases(unittest.TestCase):\n    def test_case_1(self):\n"
    "        self.assertEqual(task_func(1), task_func(1))\n        self.assertIsInstance(task_func(1), str)\n",
    "entry_point": "task_func",
    "doc_struct": "{}",
    "libs": "['json', 'random']",
}
BIGCODEBENCH_MISSING = BIGCODEBENCH | {"task_id": "BigCodeBench/1", "libs": "['json', 'a_library_of_nobody']"}
DS1000: dict[str, Any] = {
    "prompt": "Problem:\nI have a list a. Its sum should go into result.\nA:\n<code>\na = [1, 2]\n</code>\n"
    "BEGIN SOLUTION\n<code>\n",
    "reference_code": "result = sum(a)",
    "metadata": {"problem_id": 7, "library": "Plain", "perturbation_type": "Origin"},
    "code_context": "import copy\n\ndef generate_test_case(number):\n    return [1, 2], 3\n\n"
    'exec_context = r"""\na = test_input\n[insert]\n"""\n\n'
    "def test_execution(solution: str):\n    code = exec_context.replace('[insert]', solution)\n"
    "    test_input, expected = generate_test_case(1)\n    env = {'test_input': test_input}\n"
    "    exec(code, env)\n    assert env['result'] == expected\n\n"
    "def test_string(solution: str):\n    assert 'for' not in solution\n",
}
ROWS = {
    "HumanEval": HUMANEVAL,
    "EvalPlus": EVALPLUS,
    "HumanEval-X Python": HUMANEVAL_X_PYTHON,
    "HumanEval-X JavaScript": HUMANEVAL_X_JAVASCRIPT,
    "MBPP": MBPP,
    "MBPP+": MBPP_PLUS,
    "BigCodeBench": BIGCODEBENCH,
    "DS-1000": DS1000,
}
