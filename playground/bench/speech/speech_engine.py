"""A client of the speech worker: starts it, transcribes files in turn, stops it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import TracebackType

from playground.bench.engine import EngineFailed
from playground.client import WorkerClient
from playground.protocol.commands import Transcribe
from playground.protocol.events import Event, Failed, WorkerExited
from playground.protocol.speech import SpeechModelFacts, SpeechOptions
from playground.protocol.speech_events import SpeechModelLoaded, TranscriptFinished
from playground.protocol.wire import AnyEvent


class SpeechEngine:
    """A speech worker: `async with SpeechEngine(log) as engine:` starts it, leaving the block ends it.

    `facts`: the recogniser's, once one is loaded. `ended`: why the worker is dead, empty while it lives. `watch` sees
    every event.
    """

    def __init__(self, log: Path, watch: Callable[[Event], None] = lambda event: None) -> None:
        self.facts: SpeechModelFacts | None = None
        self.ended = ""
        self._watch = watch
        self._numbers = count(1)
        self._events: asyncio.Queue[AnyEvent] = asyncio.Queue()
        self._client = WorkerClient("speech", "faster-whisper", log, self._events.put_nowait)

    async def __aenter__(self) -> SpeechEngine:
        await self._client.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.stop(0)

    async def transcribe(self, path: Path, options: SpeechOptions) -> TranscriptFinished:
        """Transcribe a sound file; raises `EngineFailed`."""
        if self.ended:
            raise EngineFailed(self.ended)
        key = f"t{next(self._numbers)}"
        self._client.send(Transcribe(key=key, path=str(path), options=options))
        while True:
            event = await self._events.get()
            self._watch(event)
            match event:
                case SpeechModelLoaded():
                    self.facts = event.facts
                case Failed():
                    raise EngineFailed(event.message, event.advice)
                case WorkerExited():
                    self.ended = f"the speech process ended with code {event.code}"
                    raise EngineFailed(self.ended)
                case TranscriptFinished(key=done) if done == key:
                    return event
