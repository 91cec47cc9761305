"""The newest comparison, as it was told: live or replayed."""

from __future__ import annotations

import re

from playground.bench.compare.runs import Comparison
from playground.protocol.commands import Submit
from playground.protocol.comparison import ComparisonAdvanced

_ID = re.compile(r"compare\d+-[AB]-\S+")


class CompareState:
    """`busy`: one goes on; while it is live, prompts have to wait."""

    def __init__(self) -> None:
        self.busy = False
        self.comparison = Comparison()
        self.name = self.a = self.b = ""
        self._number = 0

    def add_event(self, event: ComparisonAdvanced) -> None:
        """The next run, phase or end; of another comparison than before, its beginning."""
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
    """A submission of a comparison, live or replayed: no prompt of the Playground screen."""
    return bool(command.requests) and _ID.fullmatch(command.requests[0].request_id) is not None
