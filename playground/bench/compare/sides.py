"""The workers of a comparison: one for each side, and the one that compares both distributions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

from playground.bench.compare.comparison import Side
from playground.bench.compare.side_spec import SideSpec
from playground.bench.engine import WorkerEngine
from playground.bench.engine_client import EngineClient, EngineFailed
from playground.protocol.commands import LoadModel

WITHOUT_ROWS = ("vllm",)  # engines that tell the likeliest ids of a position, and no whole rows of logits


async def open_sides(
    a: SideSpec, b: SideSpec, own: tuple[SideSpec, EngineClient], stack: AsyncExitStack, log: Path
) -> tuple[Side, Side, EngineClient]:
    """Both sides, and the client of the worker that holds their distributions in the end. `own` is a worker that runs
    already; others are started, entered on `stack`, and watched as `own` is. Only a `WorkerEngine` ever loads another
    model. Raises `EngineFailed`, which names the side that did not start."""

    async def start(name: str, side: SideSpec, log: Path) -> WorkerEngine:
        try:
            return await stack.enter_async_context(WorkerEngine(side.engine, side.load, log, own[1].watch))
        except EngineFailed as fault:
            raise EngineFailed(f"{name}: {fault.message}", fault.advice) from None

    apart = a.engine != b.engine or a.engine in WITHOUT_ROWS
    first = own[1] if a.shares_worker(own[0]) else await start("A", a, log)
    if b.shares_worker(a):
        return Side(first, a.options), Side(first, b.options, apart=apart), first
    log = log.with_suffix(".b.log")
    second = own[1] if b.shares_worker(own[0]) else await start("B", b, log)
    if apart:
        return Side(first, a.options), Side(second, b.options, apart=True), first
    if isinstance(first, WorkerEngine):
        return Side(first, a.options), Side(second, b.options, _mover(first, b.load)), first
    assert isinstance(second, WorkerEngine)  # the sides differ, so at most one of them is `own`
    return Side(first, a.options, _mover(second, a.load)), Side(second, b.options, _mover(second, b.load)), second


def _mover(engine: WorkerEngine, load: LoadModel) -> Callable[[], Awaitable[None]]:
    return lambda: engine.load(load)
