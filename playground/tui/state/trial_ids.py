"""Requests of the Inside screen's trials are told by their ids, live and replayed."""

from __future__ import annotations

import re

from playground.protocol.commands import Submit
from playground.protocol.events import RequestFinished, StepsExecuted, TokensGenerated
from playground.protocol.wire import AnyEvent


def submits(command: Submit, ids: re.Pattern[str]) -> bool:
    """Whether a submission is that of a trial, and not a prompt of the Playground screen."""
    return bool(command.requests) and ids.fullmatch(command.requests[0].request_id) is not None


def belongs(event: AnyEvent, ids: re.Pattern[str]) -> bool:
    """Whether steps, tokens or an end belong to a trial."""
    match event:
        case StepsExecuted():
            names = [work.request_id for step in event.steps for work in step.slots]
        case TokensGenerated() | RequestFinished():
            names = [event.request_id]
        case _:
            return False
    return any(name and ids.fullmatch(name) for name in names)
