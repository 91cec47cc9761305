"""One worker of the openai engine for all tests, and a server on loopback for each."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from playground.protocol.commands import GenerationRequest, LoadModel
from playground.protocol.events import RequestFinished, TokensGenerated
from tests.engine.openai_server.loopback import Handler, Loopback, loopback
from tests.engine.transformers.faults.live_worker import LiveWorker, request

KEY = "sk-loopback-0123456789"


class ServerWorker(LiveWorker):
    """Speaks to servers; `timeout_s` is short, since a test waits for it."""

    def __init__(self, folder: Path, timeout_s: float = 20.0) -> None:
        homes = {f"XDG_{kind}_HOME": str(folder / kind.lower()) for kind in ("CONFIG", "STATE", "DATA", "CACHE")}
        super().__init__(folder / "log", homes | {"OPENAI_API_KEY": KEY}, engine="openai")
        self.timeout_s = timeout_s

    def connect(self, url: str, model: str = "") -> None:
        """Load a server's model; it must work."""
        self.load(model, url=url, timeout_s=self.timeout_s)

    def refused(self, url: str, model: str = "", timeout_s: float = 20.0) -> str:
        """The line that a user reads when that cannot be."""
        return self.refusal(LoadModel(model=model, url=url, timeout_s=timeout_s))

    def pieces(self, request_id: str, since: int = 0) -> list[TokensGenerated]:
        """What came of a request in the events from number `since` on."""
        events = [event for event in self.events[since:] if isinstance(event, TokensGenerated)]
        return [event for event in events if event.request_id == request_id]

    def text(self, request_id: str) -> str:
        """The answer."""
        return "".join(piece.text for piece in self.pieces(request_id))

    def kill(self) -> None:
        """End it and its children."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def asked(name: str, prompt: str = "def add(a, b):", **sampling: Any) -> GenerationRequest:
    """A request that ends where the server ends it."""
    return request(name, prompt, **({"ignore_eos": False} | sampling))


def ending(worker: ServerWorker, server: Loopback, name: str, answer: Callable[[Handler], None]) -> RequestFinished:
    """How a request ends whose answer is this."""
    server.answer = answer
    worker.connect(server.url)
    return worker.finish(asked(name))[0]


@pytest.fixture(scope="session")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerWorker]:
    """The worker."""
    worker = ServerWorker(tmp_path_factory.mktemp("openai"))
    yield worker
    worker.kill()


@pytest.fixture
def server() -> Iterator[Loopback]:
    """A server that lists one model and has nothing else yet."""
    with loopback() as server:
        yield server
