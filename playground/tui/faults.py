"""What went wrong, in one line, and what to do about it."""

from __future__ import annotations

import signal

from playground.protocol.events import WorkerExited
from playground.tui.request_state import RequestState

RESTART = "^Y restarts it with the same model and options, ^L shows its log"


def death(exited: WorkerExited) -> tuple[str, str]:
    """How the worker ended."""
    how = f"with code {exited.code}"
    if exited.code < 0:
        try:
            how = f"by {signal.Signals(-exited.code).name}"
        except ValueError:
            how = f"by signal {-exited.code}"
    return f"the engine process ended unexpectedly, {how}", RESTART


def request_fault(request: RequestState) -> tuple[str, str] | None:
    """Why a request failed; None if it did not."""
    finished = request.finished
    if finished is None or finished.reason != "error":
        return None
    return finished.message or "the request failed", ""
