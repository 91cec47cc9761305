"""DS-1000."""

from __future__ import annotations

import ast
from typing import Any

import msgspec

from playground.bench.code.layouts.make_task import imports, make_task
from playground.bench.code.task import Task

INSERT = "[insert]"


class Ds1000(msgspec.Struct, frozen=True, kw_only=True):
    """A row of DS-1000; the context defines `test_execution` and sometimes `test_string`."""

    prompt: str
    reference_code: str
    code_context: str
    metadata: dict[str, Any] = {}


def from_ds1000(row: Ds1000, number: int) -> Task:
    """Build a task whose context runs the code that fills its hole."""
    library = str(row.metadata.get("library", ""))
    task_id = f"DS-1000/{row.metadata.get('problem_id', number)}"
    test = f"{row.code_context}\ntest_execution(_solution)\n"
    if "def test_string(" in row.code_context:
        test += "test_string(_solution)\n"
    task = make_task(task_id, "DS-1000", row.prompt, "", row.reference_code, test)
    libs = (*task.libs, *imports(_within(row.code_context)))
    more = {"libs": tuple(dict.fromkeys(libs)), "stratum": library, "continues": False, "request": row.prompt}
    # A test that compares pictures proves nothing apart: both sides can write to the picture.
    return msgspec.structs.replace(task, shared="savefig" in row.code_context, **more)


def _within(context: str) -> str:
    """The code around the hole, which a context keeps as text."""
    try:
        tree = ast.parse(context)
    except SyntaxError:
        return ""
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return "\n".join(text.replace(INSERT, "pass") for text in texts if INSERT in text)
