"""Rows in the layouts that people have on disk; the tasks are our own, the keys and what they hold are published:

- HumanEval: github.com/openai/human-eval, data/HumanEval.jsonl.gz.
- EvalPlus: HumanEvalPlus.jsonl and MbppPlus.jsonl of github.com/evalplus/evalplus, as its evalplus/data/humaneval.py
  and mbpp.py read them (the latter also says that tuples lie there as lists).
- HumanEval-X: github.com/THUDM/CodeGeeX, codegeex/benchmark/README.md (six keys), humaneval-x/LANG/data/*.jsonl.gz.
- MBPP: github.com/google-research/google-research, mbpp/mbpp.jsonl and sanitized-mbpp.json (one array); the keys by
  the card at github.com/huggingface/datasets, datasets/mbpp.
- MBPP+: the card of huggingface.co/datasets/evalplus/mbppplus (task_id, code, prompt, source_file, test_imports,
  test_list, test).
- BigCodeBench: the card of huggingface.co/datasets/bigcode/bigcodebench (nine keys, `libs` a list written as text).
- DS-1000: ds1000.jsonl.gz of github.com/xlang-ai/DS-1000 in its simplified format; what a `code_context` defines
  (generate_test_case, exec_test, exec_context with [insert], test_execution) is as in its published contexts.
"""

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
EVALPLUS_MBPP: dict[str, Any] = {
    "task_id": "Mbpp/1",
    "prompt": '"""\nWrite a function to find twin pairs.\nassert twice([(1, 2), (1, 2)]) == [(1, 2)]\n"""\n',
    "entry_point": "twice",
    "canonical_solution": "\ndef twice(pairs):\n    return sorted({pair for pair in pairs if pairs.count(pair) > 1})\n",
    "base_input": [[[[1, 2], [1, 2]]]],
    "plus_input": [[[]], [[[3, 4], [1, 2], [3, 4], [1, 2]]]],
    "contract": "\n  assert isinstance(pairs, list)\n",
    "assertion": "assert twice([(1, 2), (1, 2)]) == [(1, 2)]",
    "atol": 0,
}
EVALPLUS_ROOT: dict[str, Any] = {
    "task_id": "HumanEval/32",
    "prompt": 'def find_zero(xs):\n    """A root of the polynomial with these factors."""\n',
    "entry_point": "find_zero",
    "canonical_solution": "    return 2.0\n",
    "contract": "    assert xs\n",
    "base_input": [[[-4, 0, 1]]],
    "plus_input": [],
    "atol": 1e-04,
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
MBPP_SANITIZED: dict[str, Any] = {
    "source_file": "ours.ipynb",
    "task_id": 13,
    "prompt": "Write a function to halve a number.",
    "code": "def halve(x):\n  return math.floor(x / 2)",
    "test_imports": ["import math"],
    "test_list": ["assert halve(5) == math.floor(2.5)"],
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
DS1000_NUMPY: dict[str, Any] = {
    "prompt": "Problem:\nI have an array a. Its largest row should go into result.\nA:\n<code>\n"
    "import numpy as np\n</code>\nBEGIN SOLUTION\n<code>\n",
    "reference_code": "result = a[a.sum(axis=1).argmax()]",
    "metadata": {
        "problem_id": 291,
        "library_problem_id": 0,
        "library": "Numpy",
        "test_case_cnt": 2,
        "perturbation_type": "Origin",
        "perturbation_origin_id": 0,
    },
    "code_context": "import numpy as np\nimport copy\n\n\ndef generate_test_case(test_case_id):\n"
    "    def define_test_input(test_case_id):\n"
    "        if test_case_id == 1:\n            a = np.array([[1, 2], [3, 4]])\n"
    "        elif test_case_id == 2:\n            np.random.seed(42)\n            a = np.random.rand(5, 3)\n"
    "        return a\n\n    def generate_ans(data):\n        return data[data.sum(axis=1).argmax()]\n\n"
    "    test_input = define_test_input(test_case_id)\n"
    "    expected_result = generate_ans(copy.deepcopy(test_input))\n    return test_input, expected_result\n\n\n"
    "def exec_test(result, ans):\n    np.testing.assert_array_equal(result, ans)\n    return 1\n\n\n"
    'exec_context = r"""\nimport numpy as np\na = test_input\n[insert]\n"""\n\n\n'
    'def test_execution(solution: str):\n    code = exec_context.replace("[insert]", solution)\n'
    "    for i in range(2):\n        test_input, expected_result = generate_test_case(i + 1)\n"
    '        test_env = {"test_input": test_input}\n        exec(code, test_env)\n'
    '        assert exec_test(test_env["result"], expected_result)\n',
}
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
    "EvalPlus MBPP": EVALPLUS_MBPP,
    "EvalPlus root": EVALPLUS_ROOT,
    "HumanEval-X Python": HUMANEVAL_X_PYTHON,
    "HumanEval-X JavaScript": HUMANEVAL_X_JAVASCRIPT,
    "MBPP": MBPP,
    "MBPP sanitized": MBPP_SANITIZED,
    "MBPP+": MBPP_PLUS,
    "BigCodeBench": BIGCODEBENCH,
    "DS-1000": DS1000,
    "DS-1000 Numpy": DS1000_NUMPY,
}
