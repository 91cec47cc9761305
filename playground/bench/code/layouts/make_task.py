"""Builds the `Task` of any layout."""

from __future__ import annotations

import ast
import re

from playground.bench.code.request import chat_request
from playground.bench.code.task import Layout, Task

NAME = re.compile(r"^\s*(?:async\s+)?(?:def|class)\s+(\w+)", re.MULTILINE)


def make_task(
    task_id: str, layout: Layout, prompt: str, entry: str, canonical: str, test: str, stratum: str = ""
) -> Task:
    """Build a task; `libs` are the packages that its tests and reference import."""
    return Task(
        task_id=task_id,
        layout=layout,
        prompt=prompt,
        request=chat_request(prompt, "Python"),
        entry_point=entry,
        canonical=canonical,
        test=test,
        libs=imports(test, canonical),
        stratum=stratum,
    )


def imports(*sources: str) -> tuple[str, ...]:
    """The packages that code imports; none for code that does not parse."""
    found: dict[str, None] = {}
    for source in sources:
        try:
            nodes = list(ast.walk(ast.parse(source)))
        except (SyntaxError, ValueError):
            continue
        for node in nodes:
            if isinstance(node, ast.Import):
                found.update({alias.name.partition(".")[0]: None for alias in node.names})
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found[node.module.partition(".")[0]] = None
    return tuple(found)
