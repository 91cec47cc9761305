"""One programming task, whatever file it came from."""

from __future__ import annotations

from typing import Literal

import msgspec

Layout = Literal["HumanEval", "HumanEval-X", "MBPP", "BigCodeBench", "DS-1000"]
Prompting = Literal["base", "chat"]


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """`prompt` is continued by a base model, `request` is asked of a chat model. `canonical` is the whole reference
    program. `before` stands before a program that is checked. `shared`: the tests can only run in the program's
    interpreter; where they cannot run apart from it is otherwise seen by running the reference."""

    task_id: str
    layout: Layout
    prompt: str
    request: str
    entry_point: str
    canonical: str
    test: str
    before: str = ""
    libs: tuple[str, ...] = ()
    stratum: str = ""
    javascript: bool = False
    shared: bool = False
    unittest: bool = False
    continues: bool = True
