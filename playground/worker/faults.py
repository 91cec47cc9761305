"""Faults of commands and steps as events: what was foreseen in its own words, the rest in one line and the log."""

from __future__ import annotations

import traceback
from collections.abc import Callable

from playground.engine.admission import Refused
from playground.engine.backends.base import Cancelled, EngineError
from playground.protocol.events import Event, Failed
from playground.speech.faults import SpeechError


def guarded(emit: Callable[[Event], None], where: str, action: Callable[[], None]) -> str:
    """Do it; what went wrong is told. Returns the line of a fault that nobody foresaw, else an empty one."""
    try:
        action()
    except (EngineError, SpeechError) as error:
        emit(Failed(where=where, message=error.message, advice=error.advice))
    except Refused as refusal:
        emit(Failed(where=where, message=str(refusal)))
    except Cancelled:
        emit(Failed(where=where, message="stopped on request", stopped=True))
    except Exception as error:
        traceback.print_exc()
        line = " ".join(str(error).split())[:300] or type(error).__name__
        emit(Failed(where=where, message=line, advice="the log has the details"))
        return line
    return ""
