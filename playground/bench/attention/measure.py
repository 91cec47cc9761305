"""Asks an engine to measure attention and gathers the points as they come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from playground.bench.engine import WorkerEngine
from playground.protocol.commands import Kernel, MeasureAttention
from playground.protocol.events import AttentionMeasured
from playground.protocol.measurements import AttentionPoint, Ceilings, HeadShape


@dataclass
class Measured:
    """The points measured so far."""

    shape: HeadShape | None = None
    ceilings: Ceilings | None = None
    points: list[AttentionPoint] = field(default_factory=list)

    def add(self, event: AttentionMeasured) -> None:
        """Take the next points."""
        self.shape, self.ceilings = event.shape, event.ceilings
        self.points += event.points


async def measure_attention(
    engine: WorkerEngine,
    lengths: Sequence[int],
    kernels: Sequence[Kernel],
    repeats: int,
    measured: Measured,
    progress: Callable[[int, int], None],
) -> None:
    """Fill `measured` point by point; `progress` gets (done, total)."""

    def last(event: AttentionMeasured) -> bool:
        measured.add(event)
        progress(event.done, event.total)
        return event.done == event.total

    command = MeasureAttention(lengths=list(lengths), kernels=list(kernels), repeats=repeats)
    await engine.ask(command, AttentionMeasured, last)
