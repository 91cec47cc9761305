"""Every layout read from disk: its reference passes, a wrong answer fails, and what is no task is told."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter

import pytest

from playground.bench.code.files import BUNDLED, TaskFileError, read_tasks
from playground.bench.code.judge import Judge
from playground.bench.code.programs import answered
from playground.bench.code.settings import Settings
from playground.bench.code.subset import subset
from playground.bench.code.suite import CodeSuite
from playground.synthetic.tasks import draw_task
from tests.bench.code.rows import (
    BIGCODEBENCH,
    BIGCODEBENCH_MISSING,
    DS1000,
    EVALPLUS_ROOT,
    HUMANEVAL,
    HUMANEVAL_X_PYTHON,
    MBPP,
    MBPP_SANITIZED,
    ROWS,
)

WRONG = {"MBPP": "def shout(word): return word", "MBPP+": "def add_one(xs): return xs", "DS-1000": "result = 0"}
WRONG |= {"MBPP sanitized": "def halve(x): return x", "DS-1000 Numpy": "result = a[0]"}
WRONG |= {"EvalPlus root": "def find_zero(xs): return 1.9", "EvalPlus MBPP": "def twice(pairs): return pairs"}
WRONG |= {"HumanEval-X JavaScript": "const twice = (x) => x", "EvalPlus": "def half(x): return x // 2"}


@pytest.mark.parametrize("layout", ROWS)
def test_the_reference_passes_and_a_wrong_program_fails(layout, task_file, sandbox) -> None:
    """`rows` says which published file each sample line follows. Only in JavaScript does a program reach its tests."""
    (task,) = read_tasks(task_file(ROWS[layout], name="tasks.jsonl.gz"))
    judge = Judge(sandbox)
    if reason := judge.why_not(task):
        pytest.skip(reason)
    right = asyncio.run(judge.judge(task, task.canonical))
    assert right.status == "passed", right
    assert judge.references[task.task_id].apart == (not task.javascript)
    wrong = WRONG.get(layout, f"def {task.entry_point}(*a): return None")
    assert asyncio.run(judge.judge(task, wrong)).status == "failed"


@pytest.mark.parametrize("layout", ROWS)
def test_a_models_answer_in_either_prompting_becomes_the_program(layout, task_file, sandbox) -> None:
    (task,) = read_tasks(task_file(ROWS[layout]))
    judge = Judge(sandbox)
    if reason := judge.why_not(task):
        pytest.skip(reason)
    row = ROWS[layout]
    completion = row.get("canonical_solution") or row.get("code") or f"{row['reference_code']}\n</code>\nprint(1)"
    whole = f"Of course:\n```{'javascript' if task.javascript else 'python'}\n{task.canonical}\n```\nThat is all."
    for prompting, answer in (("base", completion), ("chat", whole)):
        outcome = asyncio.run(judge.judge(task, answered(task, answer, prompting)))
        assert outcome.status == "passed", (prompting, outcome)


@pytest.mark.parametrize("imports", ["from typing import (\n    List,\n)", "import math\nfrom typing import List"])
def test_a_chat_answer_may_count_on_what_the_prompt_imports(task_file, sandbox, imports) -> None:
    prompt = HUMANEVAL["prompt"].replace("from typing import List", imports)
    (task,) = read_tasks(task_file(HUMANEVAL | {"prompt": prompt}))
    answer = "```python\ndef tops(xs: List[int]) -> int:\n    return max(xs)\n```"
    program = answered(task, answer, "chat")
    assert program.startswith(f"{imports}\ndef tops") and "Largest" not in program
    assert asyncio.run(Judge(sandbox).judge(task, program)).status == "passed"


def test_any_root_is_right(task_file, sandbox) -> None:
    (task,) = read_tasks(task_file(EVALPLUS_ROOT))
    assert asyncio.run(Judge(sandbox).judge(task, "def find_zero(xs): return -2.0")).status == "passed"


def test_one_array_is_read_as_well(task_file) -> None:
    tasks = read_tasks(task_file(json.dumps([MBPP_SANITIZED, MBPP_SANITIZED | {"task_id": 14}]), name="mbpp.json"))
    assert [task.task_id for task in tasks] == ["MBPP/13", "MBPP/14"]


def test_tests_that_cannot_run_apart_share_the_interpreter_and_are_counted(task_file, sandbox) -> None:
    row = BIGCODEBENCH | {"test": BIGCODEBENCH["test"] + "        self.assertIs(type(task_func), type(lambda: 1))\n"}
    (task,) = read_tasks(task_file(row))
    suite = CodeSuite([task], Settings(solutions="canonical"), sandbox, programs={task.task_id: [task.canonical]})
    asyncio.run(suite.run(None))
    assert suite.items[0].status == "passed" and not suite.items[0].apart
    where = "1 of 1 tasks share an interpreter with their tests"
    assert suite.notes == [f"{where}: most forging is noticed there, none is excluded"]


def test_a_missing_library_skips_a_task_and_is_counted(task_file, sandbox) -> None:
    tasks = read_tasks(task_file(HUMANEVAL, BIGCODEBENCH_MISSING))
    programs = {task.task_id: [task.canonical] for task in tasks}
    suite = CodeSuite(tasks, Settings(solutions="canonical"), sandbox, programs=programs)
    asyncio.run(suite.run(None))
    items = suite.items
    assert [item.status for item in items] == ["passed", "skipped"]
    assert items[1].detail == "needs a_library_of_nobody, not installed here"
    totals = suite.totals()
    assert (totals.tasks, totals.passed, totals.skipped, totals.pass_at_k) == (2, 1, 1, {"1": 1.0})


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", ":2: "),
        ('{"question": 1, "answer": 2}', ":2: not a task of a known layout, it has answer, question"),
        (json.dumps(HUMANEVAL | {"prompt": 3}), ":2: Expected `str`, got `int`"),
        (
            json.dumps({key: value for key, value in MBPP.items() if key != "task_id"}),
            "missing required field `task_id`",
        ),
        (json.dumps(HUMANEVAL_X_PYTHON | {"task_id": "Java/0"}), ":2: this task is in Java"),
        (json.dumps(DS1000 | {"metadata": "x"}), ":2: Expected `object`, got `str`"),
        (json.dumps(HUMANEVAL), ":2: the id HumanEval/0 stands at 1 too"),
    ],
)
def test_a_wrong_line_is_named_with_what_it_takes(task_file, line, says) -> None:
    with pytest.raises(TaskFileError) as caught:
        read_tasks(task_file(HUMANEVAL, line))
    assert says in caught.value.message and caught.value.advice


def test_no_file_an_empty_one_and_a_broken_gzip_are_told(task_file, tmp_path) -> None:
    broken = tmp_path / "broken.jsonl.gz"
    broken.write_bytes(b"\x1f\x8bnot")
    for path in (tmp_path / "none.jsonl", task_file("", name="empty.jsonl"), broken):
        with pytest.raises(TaskFileError, match=path.name):
            read_tasks(path)


def test_a_subset_keeps_the_shares_of_the_strata_and_repeats() -> None:
    tasks = read_tasks(BUNDLED)
    some = subset(tasks, 9, seed=1)
    shares = Counter(task.stratum for task in some)
    assert sum(shares.values()) == 9 and max(shares.values()) - min(shares.values()) <= 1
    assert some == subset(tasks, 9, seed=1) != subset(tasks, 9, seed=2)
    assert subset(tasks, 10_000, seed=1) == tasks


def test_the_bundled_tasks_have_three_bands_and_are_not_in_the_training_data() -> None:
    tasks = read_tasks(BUNDLED)
    bands = Counter(task.stratum for task in tasks)
    assert len(tasks) >= 40 and set(bands) == {"easy", "medium", "hard"} and min(bands.values()) >= 12
    assert len({task.prompt for task in tasks}) == len(tasks) == len({task.entry_point for task in tasks})
    drawing = random.Random(5)
    trained = [draw_task(drawing, held_out=False) for _ in range(3000)]
    assert not {task.prompt for task in tasks} & {task.prompt for task in trained}
    assert not {task.entry_point for task in tasks} & {task.entry_point for task in trained}
