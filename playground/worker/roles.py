"""Build the loop for a worker's role, text generation or speech recognition. Each imports only its own libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playground.protocol.capabilities import Capabilities
from playground.worker.inbox import Inbox
from playground.worker.outbox import Outbox

if TYPE_CHECKING:
    from playground.worker.loop import WorkerLoop
    from playground.worker.speech_loop import SpeechLoop


def create_loop(role: str, engine: str, inbox: Inbox, outbox: Outbox) -> tuple[Capabilities, WorkerLoop | SpeechLoop]:
    """What a role, engine or speech, can do here, and the loop that does it; raises `KeyError` for an engine that does
    not exist."""
    if role == "speech":
        from playground.speech.backend import SpeechBackend
        from playground.worker.speech_loop import SpeechLoop

        speech = SpeechBackend(outbox.emit, inbox.wake)
        return speech.capabilities(), SpeechLoop(speech, inbox, outbox)
    from playground.engine.backends.registry import create
    from playground.worker.loop import WorkerLoop

    backend = create(engine, outbox.emit)
    return backend.capabilities(), WorkerLoop(backend, inbox, outbox)
