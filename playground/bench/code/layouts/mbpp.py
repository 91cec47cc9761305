"""MBPP and MBPP+."""

from __future__ import annotations

import re

import msgspec

from playground.bench.code.layouts.make_task import NAME, make_task
from playground.bench.code.task import Task


class Mbpp(msgspec.Struct, frozen=True, kw_only=True):
    """A row of MBPP (`text`; sanitized: `prompt`) or MBPP+ (`prompt`, `test` with all its inputs). The challenge tests
    of MBPP are left out, as in published figures."""

    task_id: int | str
    code: str
    test_list: list[str]
    text: str = ""
    prompt: str = ""
    test_setup_code: str = ""
    test_imports: list[str] = []
    test: str = ""


def from_mbpp(row: Mbpp, number: int) -> Task:
    """Build a task described in words, with assertions."""
    words, name = row.text or row.prompt, _tested(row.test_list, row.code)
    shown = "\n".join(row.test_list)
    prompt = f'"""\n{words.strip()}\n{shown}\n"""\n'
    setup = "\n".join([*row.test_imports, row.test_setup_code])
    tests = row.test or "\n".join(row.test_list)
    request = f"{words.strip()}\nThe code should pass these tests:\n{shown}"
    task = make_task(f"MBPP/{row.task_id}", "MBPP", prompt, name, row.code, f"{setup}\n{tests}\n")
    return msgspec.structs.replace(task, request=request, before=setup.strip())


def _tested(tests: list[str], code: str) -> str:
    """The function of `code` that the tests call."""
    names: list[str] = NAME.findall(code)
    named = [name for name in names if any(re.search(rf"\b{re.escape(name)}\b", test) for test in tests)]
    return (named or names or [""])[-1]
