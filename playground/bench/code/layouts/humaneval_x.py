"""HumanEval-X, its Python and JavaScript tasks."""

from __future__ import annotations

import re

import msgspec

from playground.bench.code.layouts.make_task import NAME, make_task
from playground.bench.code.request import chat_request
from playground.bench.code.task import Task

JAVASCRIPT_NAME = re.compile(r"(?:const|let|var|function)\s+(\w+)")


class HumanEvalX(msgspec.Struct, frozen=True, kw_only=True):
    """A row of HumanEval-X; the language is the part of the id before the slash."""

    task_id: str
    prompt: str
    declaration: str
    canonical_solution: str
    test: str


def from_humaneval_x(row: HumanEvalX, number: int) -> Task:
    """Build a task whose tests call the program themselves."""
    language = row.task_id.partition("/")[0]
    if language not in ("Python", "JavaScript"):
        raise ValueError(f"this task is in {language}; Python and JavaScript can be run")
    javascript = language == "JavaScript"
    names = (JAVASCRIPT_NAME if javascript else NAME).findall(row.declaration)
    canonical = row.prompt + row.canonical_solution
    task = make_task(row.task_id, "HumanEval-X", row.prompt, names[-1] if names else "", canonical, row.test)
    request = chat_request(row.prompt, language)
    return msgspec.structs.replace(task, javascript=javascript, stratum=language, request=request)
