"""`playground bench code` as people start it."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from playground.bench.sandbox.confinement import NoSandbox, find_confinement
from tests.bench.code.rows import BIGCODEBENCH_MISSING, HUMANEVAL, MBPP
from tests.cli.screens import read_until

HOSTILE = {
    "exit": "import os\ndef tops(xs): os._exit(0)",
    "marker": "print('passed')\ndef tops(xs): return 0",
    "always_equal": "class Yes:\n    def __eq__(self, o): return True\ndef tops(xs): return Yes()",
    "loop": "def tops(xs):\n    while True: pass",
}


@pytest.fixture(autouse=True, scope="module")
def confined() -> None:
    try:
        find_confinement()
    except NoSandbox as error:
        pytest.skip(str(error))


@pytest.fixture
def write(tmp_path: Path):
    def rows(name: str, *lines: dict[str, Any] | str) -> str:
        path = tmp_path / name
        path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
        return str(path)

    return rows


def test_the_bundled_references_pass(playground, tmp_path) -> None:
    result = playground("bench", "code", "--solutions", "canonical", "--json", str(tmp_path / "r.json"))
    assert result.code == 0, result.stderr
    report = json.loads((tmp_path / "r.json").read_text())
    assert {"suite", "model", "options", "effective", "totals", "items", "trust"} <= set(report)
    totals = report["totals"]
    assert totals["tasks"] == totals["passed"] >= 40 and totals["pass_at_k"] == {"1": 1.0}
    assert all(item["apart"] and item["reference"] == "passed" for item in report["items"])
    assert "pass@1 100 %" in result.stdout and "pass@k" in report["trust"]["formulas"]


def test_the_bundled_model_answers_easy_tasks(playground, tmp_path) -> None:
    words = ("bench", "code", "--subset", "9", "--json", str(tmp_path / "r.json"))
    result = playground(*words)
    assert result.code == 0, result.stderr
    report = json.loads((tmp_path / "r.json").read_text())
    totals = report["totals"]
    assert totals["tasks"] == 9 == sum(totals[name] for name in ("passed", "failed", "timed_out", "skipped"))
    assert totals["by_stratum"]["easy"]["passed"] >= 2
    assert totals["n"] == 1 and totals["prompting"] == "base" and totals["tokens_per_second"] > 0
    assert report["effective"]["batching"] == "continuous" and report["trust"]["n"] == 9
    assert (report["effective"]["max_batch"], report["effective"]["speculation"]) == ("48", "lookup:8")


def test_hostile_solutions_of_a_file_do_not_pass(playground, write, tmp_path) -> None:
    tasks = write("tasks.jsonl", *(HUMANEVAL | {"task_id": name} for name in (*HOSTILE, "right")))
    lines = [{"task_id": name, "solution": program} for name, program in HOSTILE.items()]
    solutions = write("answers.jsonl", *lines, {"task_id": "right", "completion": "    return max(xs)\n"})
    words = ("bench", "code", "--tasks", tasks, "--solutions", solutions, "--json", str(tmp_path / "r.json"))
    result = playground(*words)
    assert result.code == 0, result.stderr
    report = json.loads((tmp_path / "r.json").read_text())
    status = {item["task_id"]: item["status"] for item in report["items"]}
    assert status == {
        "exit": "failed",
        "marker": "failed",
        "always_equal": "failed",
        "loop": "timed_out",
        "right": "passed",
    }
    assert report["totals"]["timed_out"] == 1 and report["totals"]["passed"] == 1


def test_samples_and_skipped_tasks_are_counted(playground, write, tmp_path) -> None:
    tasks = write("tasks.jsonl", HUMANEVAL, MBPP, BIGCODEBENCH_MISSING)
    right, wrong = "def tops(xs): return max(xs)", "def tops(xs): return 0"
    lines = [{"task_id": HUMANEVAL["task_id"], "solution": program} for program in (right, wrong, wrong, right)]
    solutions = write("answers.jsonl", *lines)
    words = ("--tasks", tasks, "--solutions", solutions, "--k", "1,2", "--json", str(tmp_path / "r.json"))
    result = playground("bench", "code", *words)
    assert result.code == 0 and "n 4, k 2, 1 task\n" in result.stdout
    totals = json.loads((tmp_path / "r.json").read_text())["totals"]
    assert totals["pass_at_k"] == {"1": pytest.approx(0.5), "2": pytest.approx(1 - 1 / 6)}
    assert totals["tasks_at_k"] == {"1": 1, "2": 1}
    assert (totals["n"], totals["k"], totals["skipped"], totals["tasks"]) == (4, [1, 2], 2, 3)


def test_a_run_in_which_nothing_was_judged_fails(playground, write) -> None:
    result = playground("bench", "code", "--tasks", write("tasks.jsonl", BIGCODEBENCH_MISSING))
    assert result.code == 1 and "playground: no task was judged" in result.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--tasks", "none.jsonl"), "cannot read none.jsonl: No such file"),
        (("--solutions", "none.jsonl"), "cannot read none.jsonl: No such file"),
        (("--k", "5"), "pass@5 needs as many samples, and there are 1"),
        (("--samples", "0"), "cannot be '0'; it takes a whole number from 1"),
        (("--k", "1,x"), "cannot be 'x'"),
    ],
)
def test_what_cannot_be_is_one_line_of_usage(parsed, words, says) -> None:
    result = parsed("bench", "code", *words)
    assert result.code == 2 and says in result.stderr and len(result.stderr.strip().splitlines()) == 1


def test_a_line_that_is_no_task_is_named(parsed, write) -> None:
    result = parsed("bench", "code", "--tasks", write("tasks.jsonl", HUMANEVAL, {"question": "?"}))
    assert result.code == 2 and "tasks.jsonl:2: not a task of a known layout" in result.stderr
    assert "HumanEval (canonical_solution, entry_point, …)" in result.stderr


@pytest.mark.parametrize(("number", "name"), [(signal.SIGINT, b"Ctrl+C"), (signal.SIGTERM, b"SIGTERM")])
def test_what_interrupts_keeps_what_was_judged(home, write, tmp_path, number: int, name: bytes) -> None:
    slow = HUMANEVAL | {"test": "import time\ndef check(candidate):\n    time.sleep(30)\n"}
    rows = [HUMANEVAL | {"task_id": "quick"}, *(slow | {"task_id": f"slow/{number}"} for number in range(3))]
    words = ["--tasks", write("tasks.jsonl", *rows), "--solutions", "canonical", "--json", str(tmp_path / "r.json")]
    command = [sys.executable, "-m", "playground", "bench", "code", *words]
    screen, other = pty.openpty()  # progress is shown where somebody looks
    process = subprocess.Popen(command, env=home, stdout=subprocess.DEVNULL, stderr=other)
    os.close(other)
    errors = read_until(screen, b"judged 1 of 4")
    os.kill(process.pid, number)
    errors += read_until(screen, None)
    os.close(screen)
    assert process.wait(timeout=30) == 1
    assert b"stopped by " + name in errors
    assert b"partial: 1 of 4 tasks" in errors and b"Traceback" not in errors
    assert json.loads((tmp_path / "r.json").read_text())["totals"]["passed"] == 1
