"""The second engine of a load that compares engines: a worker of its own that lives for one run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from playground import paths
from playground.bench.engine import WorkerEngine
from playground.protocol.commands import Abort, GenerationRequest, LoadModel, MapBlocks, Submit
from playground.protocol.events import (
    BlocksMapped,
    ModelLoading,
    OptionsApplied,
    RequestFinished,
    StepsExecuted,
    TokensGenerated,
)
from playground.session.history.collector import Collector
from playground.session.history.run import Run
from playground.session.recording import Entry
from playground.text.numbers import percent
from playground.text.plain import one_line
from playground.tui.bridge import Bridge
from playground.tui.state.load_profile import read_name, run_kind


class LoadEngine:
    """Mirrors its request events and options to the bridge, to be drawn, recorded and replayed. Of all other events,
    only the progress of loading is shown."""

    def __init__(self, name: str, load: LoadModel, bridge: Bridge, keep: Callable[[Run], None] | None) -> None:
        self._name, self._load, self._bridge = name, load, bridge
        self._collector = Collector(keep, run_kind) if keep else None
        self._engine: WorkerEngine | None = None
        self._applied: OptionsApplied | None = None

    async def run(self, requests: Sequence[GenerationRequest]) -> None:
        """Start the worker, run the requests on a cold prefix cache, end it. Raises `EngineFailed`."""
        log = paths.log_file(f"load-{self._name}")
        self._say("its process")
        async with WorkerEngine(self._name, self._load, log, self._watch) as engine:
            engine.reset_prefix_cache()
            self._engine = engine
            try:
                await engine.generate(requests)
            finally:
                self._engine = None
        with suppress(OSError):  # not worth an error
            log.unlink()

    def stop(self) -> bool:
        """Abort the requests, which then finish with their metrics; False if none has been sent."""
        if self._engine:
            self._engine.send(Abort())
        return self._engine is not None

    def ask_for_blocks(self) -> None:
        """Ask which request holds which block."""
        if self._engine:
            self._engine.send(MapBlocks())

    def _watch(self, entry: Entry) -> None:
        message = entry.message
        if self._collector and entry.command:
            self._collector.add(entry.command)
        if self._collector and entry.event:
            self._collector.add(entry.event)
        match message:
            case ModelLoading():
                share = f" {percent(message.done / message.total)}" if message.total else ""
                self._say(one_line(f"{message.stage}{share}  {message.detail}", 70))
            case StepsExecuted() if not any(work.request_id for step in message.steps for work in step.slots):
                pass  # blocks that came back after an abort
            case OptionsApplied():
                self._applied = message
            case Submit():
                self._bridge.mirror(message)
                if self._applied:
                    self._bridge.mirror(self._applied)
            case TokensGenerated() | StepsExecuted() | RequestFinished():
                self._bridge.mirror(message)
            case BlocksMapped() if any(read_name(request_id) for request_id in message.tables):
                self._bridge.mirror(message)

    def _say(self, what: str) -> None:
        self._bridge.state.load.preparing = f"starting {self._name}: {what}   Esc stops"
        self._bridge.refresh()
