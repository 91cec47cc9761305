"""BigCodeBench."""

from __future__ import annotations

import ast

import msgspec

from playground.bench.code.layouts.make_task import make_task
from playground.bench.code.task import Task


class BigCodeBench(msgspec.Struct, frozen=True, kw_only=True):
    """A row of BigCodeBench; `libs` is a list, or a list written as text."""

    task_id: str
    complete_prompt: str
    instruct_prompt: str
    canonical_solution: str
    test: str
    entry_point: str
    libs: list[str] | str = []
    code_prompt: str = ""


def from_bigcodebench(row: BigCodeBench, number: int) -> Task:
    """Build a task with unittest classes and libraries."""
    canonical = (row.code_prompt or row.complete_prompt) + row.canonical_solution
    libs = ast.literal_eval(row.libs) if isinstance(row.libs, str) else row.libs
    task = make_task(row.task_id, "BigCodeBench", row.complete_prompt, row.entry_point, canonical, row.test)
    libs = tuple(dict.fromkeys((*map(str, libs), *task.libs)))
    before = f"{row.code_prompt.rstrip()}\n    pass\n" if row.code_prompt else ""
    more = {"request": row.instruct_prompt, "libs": libs, "before": before, "unittest": True}
    return msgspec.structs.replace(task, stratum=libs[0] if libs else "", **more)
