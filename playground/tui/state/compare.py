"""The newest comparison, live or replayed: a fold over its events."""

from __future__ import annotations

import re

from playground.bench.compare.runs import Comparison
from playground.protocol.commands import Submit
from playground.protocol.comparison import ComparisonAdvanced

_ID = re.compile(r"compare\d+-[AB]-\S+")


class CompareState:
    """`busy`: one is running; a live one makes prompts wait."""

    def __init__(self) -> None:
        self.busy = False
        self.comparison = Comparison()
        self.name = self.a = self.b = ""
        self._number = 0

    def add_event(self, event: ComparisonAdvanced) -> None:
        """Add a run, phase or end; an event with another number begins another comparison."""
        if event.number != self._number:
            self._number, self.comparison = event.number, Comparison()
        found = self.comparison
        self.name, self.a, self.b, self.busy = event.name, event.a, event.b, not event.ended
        found.planned, found.phase = event.planned, event.phase
        found.weights, found.effective, found.reasons = event.weights, event.effective, event.reasons
        if event.run:
            found.runs.append(event.run)
        if event.divergence:
            found.divergence = event.divergence


def is_run(command: Submit) -> bool:
    """Whether a submission is that of a comparison, live or replayed, and not a prompt of the Playground screen."""
    return bool(command.requests) and _ID.fullmatch(command.requests[0].request_id) is not None
