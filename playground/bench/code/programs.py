"""Turns a task and an answer into the program that the sandbox runs."""

from __future__ import annotations

from playground.bench.code.extraction import (
    JAVASCRIPT_STOPS,
    SNIPPET_STOPS,
    STOPS,
    cut,
    imports,
    javascript_program,
    python_program,
    snippet,
)
from playground.bench.code.task import Prompting, Task
from playground.bench.sandbox.sandbox import Program


def stops(task: Task, prompting: Prompting) -> tuple[str, ...]:
    """Texts that end a base model's answer; a chat model ends by itself."""
    if prompting == "chat":
        return ()
    if not task.continues:
        return SNIPPET_STOPS
    return JAVASCRIPT_STOPS if task.javascript else STOPS


def answered(task: Task, answer: str, prompting: Prompting) -> str:
    """The program built from a model's answer."""
    if not task.continues:
        return snippet(answer)
    if prompting == "base":
        text = task.prompt + cut(answer, stops(task, prompting))
        return text if task.javascript else python_program(text, task.entry_point)
    if task.javascript:
        return javascript_program(answer)
    return imports(task.prompt) + python_program(answer, task.entry_point)


def to_check(task: Task, program: str, shared: bool) -> Program:
    """The program with its tests. `shared`: run both in one interpreter, even if the task does not require it."""
    shared = shared or task.shared
    if task.layout == "DS-1000":  # its tests take the program as text and insert it
        test = f"_solution = {program!r}\n{task.test}"
        return Program(program="", test=test, shared=shared, context=True)
    before = f"{task.before}\n" if task.before else ""
    return Program(
        program=before + program, test=task.test, shared=shared, unittest=task.unittest, javascript=task.javascript
    )
