"""The workers of a comparison: who answers for which side, and where both distributions can be held."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

from playground.bench.compare.contender import Contender
from playground.bench.compare.course import Side
from playground.bench.engine import Engine
from playground.bench.talk import Talk
from playground.protocol.commands import LoadModel


async def open_sides(
    a: Contender, b: Contender, own: tuple[Contender, Talk], stack: AsyncExitStack, log: Path
) -> tuple[Side, Side, Talk]:
    """Both sides, and the worker that holds their distributions in the end. `own` is a worker that is there already;
    what else is needed is entered on `stack`, and watched as that is. A mere `Talk` never gets another model. Raises
    `EngineFailed`."""

    def engine(side: Contender, log: Path) -> Engine:
        return Engine(side.engine, side.load, log, own[1].watch)

    first = own[1] if a.shares_worker(own[0]) else await stack.enter_async_context(engine(a, log))
    if b.shares_worker(a):
        return Side(first, a.options), Side(first, b.options), first
    log = log.with_suffix(".b.log")
    second = own[1] if b.shares_worker(own[0]) else await stack.enter_async_context(engine(b, log))
    if a.engine != b.engine:
        return Side(first, a.options), Side(second, b.options, apart=True), first
    if isinstance(first, Engine):
        return Side(first, a.options), Side(second, b.options, _mover(first, b.load)), first
    assert isinstance(second, Engine)  # of two that differ, one at most was there
    return Side(first, a.options, _mover(second, a.load)), Side(second, b.options, _mover(second, b.load)), second


def _mover(engine: Engine, load: LoadModel) -> Callable[[], Awaitable[None]]:
    return lambda: engine.load(load)
