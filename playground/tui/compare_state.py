"""The newest comparison: what has come of it, and whether it goes on."""

from __future__ import annotations

import re

from playground.bench.compare.runs import Comparison
from playground.protocol.commands import Submit

_ID = re.compile(r"compare\d+-[AB]-\S+")


class CompareState:
    """`busy` is set by whoever drives a comparison: from its first switch to its last, prompts have to wait."""

    def __init__(self) -> None:
        self.busy = False
        self.comparison = Comparison()
        self.name = self.a = self.b = ""

    def begin(self, name: str, a: str, b: str) -> Comparison:
        """A new one in place of the last."""
        self.busy, self.comparison = True, Comparison(phase="getting ready")
        self.name, self.a, self.b = name, a, b
        return self.comparison


def is_run(command: Submit) -> bool:
    """A submission of a comparison, live or replayed: no prompt of screen 1."""
    return bool(command.requests) and _ID.fullmatch(command.requests[0].request_id) is not None
