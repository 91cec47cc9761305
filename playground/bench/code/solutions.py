"""Answers from a file in the format of EvalPlus: `solution` is a whole program, `completion` continues the prompt."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from playground.bench.code.files import TaskFileError, read_lines
from playground.bench.code.task import Task


class Solution(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the file."""

    task_id: str | int
    solution: str | None = None
    completion: str | None = None


def read_solutions(path: Path, tasks: Sequence[Task]) -> dict[str, list[str]]:
    """Read programs by task; several lines of one task are several samples. Raises `TaskFileError`."""
    known = {task.task_id: task for task in tasks} | {task.task_id.removeprefix("MBPP/"): task for task in tasks}
    programs: dict[str, list[str]] = {}
    for number, row in read_lines(path):
        try:
            line = msgspec.convert(row, Solution)
        except msgspec.ValidationError as error:
            raise TaskFileError(f"{path}:{number}: {error}", _takes()) from None
        if line.solution is None and line.completion is None:
            raise TaskFileError(f"{path}:{number}: neither solution nor completion", _takes())
        if task := known.get(str(line.task_id)):
            program = line.solution if line.solution is not None else task.prompt + (line.completion or "")
            programs.setdefault(task.task_id, []).append(program)
    if not programs:
        raise TaskFileError(f"{path} answers none of the tasks", "its task_id are those of the task file")
    return programs


def canonical(tasks: Sequence[Task]) -> dict[str, list[str]]:
    """The reference answers by task."""
    return {task.task_id: [task.canonical] for task in tasks}


def _takes() -> str:
    return "a line has task_id, and solution (a whole program) or completion (what follows the prompt)"
