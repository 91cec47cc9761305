"""A real speech worker, and every event that came from it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from playground import paths
from playground.client import WorkerClient
from playground.protocol.commands import StartListening, Transcribe
from playground.protocol.events import Failed, WorkerExited, WorkerReady
from playground.protocol.speech import SpeechOptions
from playground.protocol.speech_events import TranscriptFinished
from playground.protocol.wire import AnyCommand, AnyEvent

MODEL = str(paths.bundled_model("tiny-whisper"))
OPTIONS = SpeechOptions(model=MODEL)
TIMEOUT_S = 180


class SpeechDriver:
    """A client of a speech worker. `environment` leads it to a microphone. `events`: since it was last at rest."""

    def __init__(self, log: Path, environment: Mapping[str, str] | None = None) -> None:
        self.events: list[AnyEvent] = []
        self.log = log
        self.pid = 0
        self._environment = environment or {}
        self._open = 0  # transcripts that were asked for and not ended
        self._came = asyncio.Event()
        self.client = WorkerClient("speech", "faster-whisper", log, self._take)

    async def start(self) -> None:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self._environment.items():
                patch.setenv(name, value)
            await self.client.start()
        self.pid = (await self.until(WorkerReady)).pid

    async def rest(self) -> None:
        """Forget what was told; a test that failed in the middle of something costs the next one a new worker."""
        begin_anew = self._open or not self.client.running
        if begin_anew:
            await self.client.stop(0)
        self.events.clear()
        self._open = 0
        if begin_anew:
            await self.start()

    def _take(self, event: AnyEvent) -> None:
        self.events.append(event)
        if isinstance(event, TranscriptFinished) or (
            isinstance(event, Failed) and event.where in ("StartListening", "Transcribe")
        ):
            self._open = max(0, self._open - 1)
        self._came.set()

    def send(self, command: AnyCommand) -> None:
        self._open += isinstance(command, StartListening | Transcribe)
        self.client.send(command)

    def all(self, kind: type[AnyEvent]) -> list:
        return [event for event in self.events if isinstance(event, kind)]

    async def until(
        self, kind: type[AnyEvent], matches: Callable[[AnyEvent], bool] = lambda event: True, since: int = 0
    ) -> AnyEvent:
        """The first such event from number `since` on; a failure that nobody waits for raises."""
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                for event in self.events[since:]:
                    if isinstance(event, kind) and matches(event):
                        return event
                    if isinstance(event, Failed | WorkerExited) and kind is not Failed:
                        raise AssertionError(event)
                self._came.clear()
                await self._came.wait()

    async def transcribe(self, path: Path | str, options: SpeechOptions = OPTIONS) -> TranscriptFinished:
        since = len(self.events)
        self.send(Transcribe(key="file", path=str(path), options=options))
        return await self.until(TranscriptFinished, lambda event: event.key == "file", since)

    async def fault(self, command: AnyCommand) -> Failed:
        since = len(self.events)
        self.send(command)
        return await self.until(Failed, since=since)
