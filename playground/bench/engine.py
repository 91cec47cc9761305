"""An engine on a worker of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from playground.bench.engine_client import EngineClient, EngineFailed
from playground.client import WorkerClient, cannot_start
from playground.protocol.commands import LoadModel
from playground.session.recording import Entry

__all__ = ["EngineFailed", "WorkerEngine"]

STOP_GRACE_S = 10.0


class WorkerEngine(EngineClient):
    """A client of its own worker: `async with WorkerEngine(...) as engine:` starts and loads it, leaving ends it."""

    def __init__(
        self, name: str, load: LoadModel | None, log: Path, watch: Callable[[Entry], None] = lambda entry: None
    ) -> None:
        self._client = WorkerClient("engine", name, log, self.arrived)
        super().__init__(self._client.send, watch)
        self._load = load

    async def __aenter__(self) -> WorkerEngine:
        try:
            await self._client.start()
        except OSError as error:
            raise EngineFailed(cannot_start(error)) from None
        try:
            if self._load:
                await self.load(self._load)
        except BaseException:
            await self._client.stop(0)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.stop(0 if error else STOP_GRACE_S)

    async def load(self, command: LoadModel) -> None:
        """Load a model and set its toggles."""
        self.send(command)
        await self.until(lambda: self.fold.ready)
