"""A worker on two bare pipes."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from playground.protocol.events import WorkerReady
from playground.protocol.wire import AnyCommand, AnyEvent, decode_event, encode_line
from tests.worker.processes import write_starter


class BareWorker:
    """Speaks to a worker without the client; every output line must be an event."""

    def __init__(self, folder: Path, engine: str) -> None:
        self.log = folder / "worker.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [write_starter(folder), "-m", "playground.worker", "engine", engine],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        ready = self.next()
        assert isinstance(ready, WorkerReady)
        self.pid = ready.pid

    def send(self, command: AnyCommand) -> None:
        self.write(encode_line(command))

    def write(self, line: bytes) -> None:
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def next(self) -> AnyEvent:
        return decode_event(self.process.stdout.readline())

    def until(self, kind: type[AnyEvent]) -> list[AnyEvent]:
        """The events up to and including the next one of a kind."""
        events = [self.next()]
        while not isinstance(events[-1], kind):
            events.append(self.next())
        return events

    def rest(self) -> bytes:
        """Events that still arrive after its input has ended."""
        self.process.stdin.close()
        return self.process.stdout.read()


@pytest.fixture
def child_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the noisy engine writes the pid of its child."""
    monkeypatch.setenv("CHILD_FILE", str(tmp_path / "child"))
    return tmp_path / "child"


@pytest.fixture
def start(tmp_path: Path, child_file: Path) -> Iterator[Callable[..., BareWorker]]:
    """Starts workers; none is left running."""
    workers: list[BareWorker] = []

    def begin(engine: str = "scripted") -> BareWorker:
        workers.append(BareWorker(tmp_path, engine))
        return workers[-1]

    yield begin
    for worker in workers:
        worker.process.kill()
        worker.process.wait()
        for pipe in (worker.process.stdin, worker.process.stdout):
            pipe.close()
