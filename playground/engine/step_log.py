"""The steps of a loop as events: numbered, with the requests that finished or were preempted since the step before."""

from __future__ import annotations

from typing import Protocol

from playground.protocol.events import StepsExecuted
from playground.protocol.steps import SlotWork, Step


class BlockCounts(Protocol):
    """How many KV blocks are in use, free, and kept only for their prefix."""

    @property
    def used(self) -> int: ...

    @property
    def free(self) -> int: ...

    @property
    def cached(self) -> int: ...


class StepLog:
    """`index` is the number of the next step; `finished` and `preempted` are request ids that it will report."""

    def __init__(self) -> None:
        self.index = 0
        self.finished: list[str] = []
        self.preempted: list[str] = []

    def add(
        self,
        start: float,
        seconds: float,
        slots: list[SlotWork],
        waiting: list[str],
        blocks: BlockCounts,
        kv_bytes: int,
    ) -> StepsExecuted:
        """The event of the step that just ran."""
        step = Step(
            index=self.index,
            start=start,
            seconds=seconds,
            slots=slots,
            waiting=waiting,
            finished=self.finished,
            preempted=self.preempted,
            blocks_used=blocks.used,
            blocks_free=blocks.free,
            blocks_cached=blocks.cached,
            kv_bytes=kv_bytes,
        )
        self.index += 1
        self.finished, self.preempted = [], []
        return StepsExecuted(steps=[step])
