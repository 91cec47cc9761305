"""Turn exceptions into `Failed` events: a `Fault` keeps its message; anything else becomes one line. Where the log is
pointed to, it has the traceback."""

from __future__ import annotations

import traceback
from collections.abc import Callable

from playground.engine.backends.base import Cancelled
from playground.protocol.events import Event, Failed
from playground.protocol.fault import LOOK, Fault, error_line


def guarded(emit: Callable[[Event], None], where: str, action: Callable[[], None]) -> str:
    """Run `action` and emit any failure. Returns the message of an unexpected exception, else an empty string."""
    try:
        action()
    except Fault as error:
        if error.advice == LOOK:
            traceback.print_exc()
        emit(Failed(where=where, message=error.message, advice=error.advice))
    except Cancelled:
        emit(Failed(where=where, message="stopped on request", stopped=True))
    except Exception as error:
        traceback.print_exc()
        line = error_line(error, 300)
        emit(Failed(where=where, message=line, advice=LOOK))
        return line
    return ""
