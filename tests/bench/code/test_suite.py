"""A run of the code suite that is ended early, and one whose tasks have different numbers of samples."""

from __future__ import annotations

import asyncio

import pytest

from playground.bench.code.files import BUNDLED, read_tasks
from playground.bench.code.settings import Settings
from playground.bench.code.suite import CodeSuite, Progress
from playground.bench.sandbox.sandbox import Sandbox

TASK, OTHER = read_tasks(BUNDLED)[:2]
RIGHT, ENDLESS = TASK.prompt + TASK.canonical, "while True: pass"


async def test_a_stopped_run_counts_the_samples_that_were_judged(sandbox: Sandbox) -> None:
    judged = asyncio.Event()

    def watch(now: Progress) -> None:
        if now.judged == 2:
            judged.set()

    programs = {TASK.task_id: [RIGHT, RIGHT, ENDLESS], OTHER.task_id: [ENDLESS]}
    suite = CodeSuite([TASK, OTHER], Settings(samples=3, k=(1, 3)), sandbox, programs, watch)
    task = asyncio.create_task(suite.run(None))
    await asyncio.wait_for(judged.wait(), 20)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert [(item.task_id, item.correct) for item in suite.items] == [(TASK.task_id, 2)]
    assert suite.totals().pass_at_k == {"1": pytest.approx(1.0)}
    assert suite.notes == [
        "partial: 1 of 2 tasks are in the totals",
        "partial: 1 of 1 tasks have fewer samples than they were asked for",
    ]


async def test_pass_at_k_says_how_many_tasks_it_covers(sandbox: Sandbox) -> None:
    programs = {TASK.task_id: [RIGHT, RIGHT], OTHER.task_id: ["wrong"]}
    suite = CodeSuite([TASK, OTHER], Settings(samples=2, k=(1, 2)), sandbox, programs)
    await suite.run(None)
    totals = suite.totals()
    assert totals.pass_at_k == {"1": pytest.approx(0.5), "2": pytest.approx(1.0)}
    assert totals.tasks_at_k == {"1": 2, "2": 1}
    assert suite.notes == ["pass@2 covers 1 of 2 tasks: the others have fewer samples"]
