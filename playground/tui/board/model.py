"""The batching board's data: folds engine steps into runs of equal cells, slot by slot. Knows nothing of Textual.

Runs instead of cells make hundreds of steps a second cheap to fold and to draw.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from typing import Literal, NamedTuple, cast

import msgspec

from playground.protocol.server import ServerMeasured
from playground.protocol.steps import SlotWork, Step
from playground.tui.letters import Letters

Kind = Literal["prefill", "decode", "draft", "held"]
KEPT = 160_000
NO_DRAFTS: dict[int, tuple[int, int]] = {}


class SlotRun(msgspec.Struct):
    """Consecutive steps, `first` to `last`, in which one slot did the same for one request.

    `starts`: the request was not in a slot before. `ends`: it finished at `last`; `preempted`: it lost its slot after.
    """

    first: int
    last: int
    request_id: str
    kind: Kind
    starts: bool = False
    ends: bool = False
    preempted: bool = False

    @property
    def open(self) -> bool:
        """Whether the next step may continue it."""
        return not (self.ends or self.preempted)


class Moment(NamedTuple):
    """One kept step: its times, tokens per slot, and (speculated, accepted) of the slots with a draft."""

    step_index: int
    start: float
    seconds: float
    tokens: array[int]
    drafts: dict[int, tuple[int, int]]


class Usage(NamedTuple):
    """Slot-steps of a span of steps (see `FORMULAS`)."""

    busy: int
    held: int
    slot_steps: int

    @property
    def occupancy(self) -> float | None:
        """Busy slot-steps / slot-steps."""
        return self.busy / self.slot_steps if self.slot_steps else None

    @property
    def waste(self) -> float | None:
        """Idle-but-held slot-steps / slot-steps."""
        return self.held / self.slot_steps if self.slot_steps else None

    def __sub__(self, other: Usage) -> Usage:
        return Usage(self.busy - other.busy, self.held - other.held, self.slot_steps - other.slot_steps)


class BoardModel:
    """Steps are numbered from 0 in the order they came (their `index` starts again with each model).

    About the newest `kept` slot-steps are kept (20 000 steps of 8 slots); `usage` covers all since `clear`.
    """

    def __init__(self, letters: Letters | None = None, kept: int = KEPT) -> None:
        self.letters = letters or Letters()
        self._kept = kept
        self.clear()

    def clear(self) -> None:
        """Forget every step; requests keep their letters."""
        self.first, self.total = 0, 0
        self.origin = 0.0  # when the first step started, on the engine's clock
        self.waiting: list[str] = []
        self.server: ServerMeasured | None = None
        self.runs: list[list[SlotRun]] = []
        self._moments: list[Moment] = []
        self._usage: list[Usage] = [Usage(0, 0, 0)]
        self._seated: dict[str, SlotRun] = {}

    @property
    def usage(self) -> Usage:
        """The usage of all steps since `clear`."""
        return self._usage[-1]

    def usage_of(self, first: int, last: int) -> Usage:
        """The usage of the steps `first` to `last` inclusive, as far as they are kept."""
        first, last = max(first, self.first) - self.first, min(last + 1, self.total) - self.first
        return self._usage[last] - self._usage[first] if last > first else Usage(0, 0, 0)

    def moment(self, step: int) -> Moment:
        """The moment of a kept step, `first` <= step < `total`."""
        return self._moments[step - self.first]

    def add(self, steps: Iterable[Step]) -> None:
        """Fold steps in their order."""
        for step in steps:
            self._add(step)
        kept = self._kept // max(1, len(self.runs))
        if len(self._moments) > kept + kept // 8:
            self._forget(self.total - kept)

    def finish(self, request_ids: Iterable[str]) -> None:
        """Requests have ended; the engine tells it only with its next step, and may make none."""
        self._mark(request_ids, "ends")

    def _add(self, step: Step) -> None:
        if not self.total:
            self.origin = step.start
        self._mark(step.preempted, "preempted")
        while len(self.runs) < len(step.slots):
            self.runs.append([])
        busy = held = 0
        for slot, work in enumerate(step.slots):
            if work.request_id is None or work.phase == "empty":
                continue
            busy, held = (busy, held + 1) if work.phase == "held" else (busy + 1, held)
            self._extend(self.runs[slot], work, work.request_id)
        self._mark(step.finished, "ends")
        for request_id in step.waiting:
            self.letters[request_id]  # letters go by order of appearance
        before = self._usage[-1]
        slots = Usage(before.busy + busy, before.held + held, before.slot_steps + len(step.slots))
        self._usage.append(before if step.observed else slots)
        self._moments.append(_moment(step))
        self.waiting = step.waiting
        self.total += 1

    def _extend(self, runs: list[SlotRun], work: SlotWork, request_id: str) -> None:
        kind = "draft" if work.accepted else work.phase
        run = runs[-1] if runs else None
        if run and run.ends and run.request_id == request_id and run.last == self.total - 1 and kind != "held":
            run.ends, self._seated[request_id] = False, run  # its end was told before its last steps
        if run and run.last == self.total - 1 and run.kind == kind and run.request_id == request_id and run.open:
            run.last = self.total
            return
        self.letters[request_id]
        starts = kind != "held" and request_id not in self._seated
        run = SlotRun(self.total, self.total, request_id, cast(Kind, kind), starts)
        runs.append(run)
        if kind != "held":
            self._seated[request_id] = run

    def _mark(self, request_ids: Iterable[str], mark: Literal["ends", "preempted"]) -> None:
        """Mark the last cell in which a request was busy; that is not the newest one if it was aborted."""
        for request_id in request_ids:
            if run := self._seated.pop(request_id, None):
                setattr(run, mark, True)

    def _forget(self, first: int) -> None:
        gone = first - self.first
        del self._moments[:gone]
        del self._usage[:gone]
        for runs in self.runs:
            del runs[: bisect_left(runs, first, key=last_step)]
        self.first = first


def last_step(run: SlotRun) -> int:
    """The key by which the runs of a slot are sorted."""
    return run.last


def _moment(step: Step) -> Moment:
    drafts = {slot: (work.speculated, work.accepted) for slot, work in enumerate(step.slots) if work.speculated}
    tokens = array("I", [work.tokens for work in step.slots])
    return Moment(step.index, step.start, step.seconds, tokens, drafts or NO_DRAFTS)
