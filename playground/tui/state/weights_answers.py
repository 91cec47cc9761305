"""The answers of the weights trial, live or replayed: a fold over its requests, which are no prompts of the user."""

from __future__ import annotations

import re

from playground.protocol.commands import Submit
from playground.protocol.events import Failed, RequestFinished, WorkerExited
from playground.protocol.wire import AnyEvent
from playground.tui.state.trial_ids import belongs, submits

_ID = re.compile(r"weights-\d+-\S+")


class WeightsAnswers(dict[str, RequestFinished | None]):
    """How each request ended, by its id; None while it runs. One that will not end any more is forgotten."""

    def begin(self, command: Submit) -> None:
        """The trial submits its request."""
        self |= dict.fromkeys(request.request_id for request in command.requests)

    def add_event(self, event: AnyEvent) -> None:
        """Fold an event."""
        match event:
            case RequestFinished() if event.request_id in self:
                self[event.request_id] = event
            case Failed(where="Submit") | WorkerExited(role="engine"):
                self.clear()


def request_id(number: int, kind: str) -> str:
    """The id of the trial's request under one kind of weights."""
    return f"weights-{number}-{kind}"


def is_weights_trial(command: Submit) -> bool:
    """See `submits`."""
    return submits(command, _ID)


def of_weights_trial(event: AnyEvent) -> bool:
    """See `belongs`."""
    return belongs(event, _ID)
