"""One programming task, whichever file it came from."""

from __future__ import annotations

from typing import Literal

import msgspec

Layout = Literal["HumanEval", "HumanEval-X", "MBPP", "BigCodeBench", "DS-1000"]
Prompting = Literal["base", "chat"]


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One task. A base model continues `prompt`, a chat model gets `request`. `canonical` is the whole reference
    program. `before` is put before a program that is checked. `shared`: the tests can only run in the program's
    interpreter; for other tasks, running the reference shows whether they can run apart from it."""

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
