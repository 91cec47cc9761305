"""A real speech worker on the bundled recogniser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from playground import paths
from playground.client import WorkerClient
from playground.models.make_tiny_whisper.espeak import is_installed
from playground.protocol.commands import Transcribe
from playground.protocol.events import Failed, TranscriptFinished, WorkerExited
from playground.protocol.speech import SpeechOptions
from playground.protocol.wire import AnyCommand, AnyEvent
from tests.speech.virtual_microphone import VirtualMicrophone

MODEL = str(paths.bundled_model("tiny-whisper"))
OPTIONS = SpeechOptions(model=MODEL)
TIMEOUT_S = 180


class Ear:
    """A client of a speech worker, and every event that came."""

    def __init__(self, log: Path) -> None:
        self.events: list[AnyEvent] = []
        self.log = log
        self._came = asyncio.Event()
        self.client = WorkerClient("speech", "faster-whisper", log, self._take)

    def _take(self, event: AnyEvent) -> None:
        self.events.append(event)
        self._came.set()

    def send(self, command: AnyCommand) -> None:
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


@pytest.fixture(scope="session")
def speaks() -> None:
    """Tests that need speech are skipped without it."""
    if not is_installed():
        pytest.skip("espeak-ng is not installed: no speech to test")


@pytest.fixture
async def ear_with(tmp_path: Path) -> AsyncIterator[Callable[[], Awaitable[Ear]]]:
    """Starts a worker in the environment as it is then; none is left behind."""
    ears: list[Ear] = []

    async def begin() -> Ear:
        ears.append(Ear(tmp_path / "speech.log"))
        await ears[-1].client.start()
        return ears[-1]

    yield begin
    for ear in ears:
        await ear.client.stop(0)


@pytest.fixture
async def ear(ear_with: Callable[[], Awaitable[Ear]]) -> Ear:
    """A worker that is there."""
    return await ear_with()


@pytest.fixture(scope="session")
def pulse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualMicrophone]:
    """One server for all tests; one that a test has stopped is started again by the next."""
    microphone = VirtualMicrophone(tmp_path_factory.mktemp("pulse"))
    yield microphone
    microphone.stop()


@pytest.fixture
def microphone(pulse: VirtualMicrophone, monkeypatch: pytest.MonkeyPatch) -> VirtualMicrophone:
    """A microphone that is plugged in; a worker that starts now finds it."""
    for name, value in pulse.environment.items():
        monkeypatch.setenv(name, value)
    if not pulse.running:
        pulse.start()
    return pulse
