"""One speech worker for all tests, a microphone to plug in, and the bundled recogniser in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from playground.models.make_tiny_whisper.espeak import is_installed
from playground.speech.decoding import Decoder
from playground.speech.transcriber import Transcriber
from tests.speech.driver import OPTIONS, SpeechDriver
from tests.speech.virtual_microphone import VirtualMicrophone


@pytest.fixture(scope="session")
def speaks() -> None:
    """Tests that need speech are skipped without it."""
    if not is_installed():
        pytest.skip("espeak-ng is not installed: no speech to test")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def worker(pulse: VirtualMicrophone, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SpeechDriver]:
    """It hears the virtual microphone where there is one."""
    driver = SpeechDriver(tmp_path_factory.mktemp("speech") / "speech.log", pulse.environment)
    await driver.start()
    yield driver
    await driver.client.stop(0)


@pytest_asyncio.fixture(loop_scope="session")
async def driver(worker: SpeechDriver) -> SpeechDriver:
    """The worker at rest; a model may be loaded already."""
    await worker.rest()
    return worker


@pytest_asyncio.fixture(loop_scope="session")
async def driver_with(tmp_path: Path) -> AsyncIterator[Callable[[], Awaitable[SpeechDriver]]]:
    """Starts a worker of the test's own in the environment as it is then; none is left behind."""
    drivers: list[SpeechDriver] = []

    async def begin() -> SpeechDriver:
        drivers.append(SpeechDriver(tmp_path / "speech.log"))
        await drivers[-1].start()
        return drivers[-1]

    yield begin
    for driver in drivers:
        await driver.client.stop(0)


@pytest.fixture(scope="session")
def decoder() -> Iterator[Decoder]:
    """The bundled recogniser, without a worker around it."""
    decoder = Decoder(Transcriber(OPTIONS), lambda: None)
    yield decoder
    decoder.close()


@pytest.fixture(scope="session")
def pulse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualMicrophone]:
    """One server for all tests; one that a test has stopped is started again by the next."""
    microphone = VirtualMicrophone(tmp_path_factory.mktemp("pulse"))
    yield microphone
    microphone.stop()


@pytest.fixture
def microphone(pulse: VirtualMicrophone, monkeypatch: pytest.MonkeyPatch) -> VirtualMicrophone:
    """A microphone that is plugged in; a worker that starts now finds it."""
    if missing := pulse.missing:
        pytest.skip(f"{', '.join(missing)} is not installed: no virtual microphone")
    for name, value in pulse.environment.items():
        monkeypatch.setenv(name, value)
    if not pulse.running:
        pulse.start()
    return pulse
