"""System TPS over time, with a mark at each switch: a fold over events. Knows nothing of Textual."""

from __future__ import annotations

from collections import deque

import msgspec

from playground.protocol.events import OptionsApplied, RequestFinished, StepsExecuted, TokensGenerated
from playground.protocol.options import TOGGLES, format_value
from playground.protocol.steps import Step
from playground.protocol.wire import AnyEvent

# Long enough for several tokens of a slow model, short enough to see a switch at once.
WINDOW_S = 0.5
# While requests are unfinished: a weights switch is a valley, but an engine's restart does not fill the plot.
LONGEST_PAUSE_S = 5.0
KEPT = 512  # columns: more than any terminal has
KEPT_TOKENS = 1 << 16  # tokens whose step was not reported yet
SHORT = {"kv_cache": "KV", "attention": "attn"}


class Column(msgspec.Struct):
    """`tokens` of one window; or, `left_out`, a pause of any length. `mark`: the newest switch in it."""

    tokens: int = 0
    left_out: bool = False
    mark: str = ""

    @property
    def tps(self) -> float:
        """Tokens in the window / window."""
        return self.tokens / WINDOW_S


class Timeline:
    """The axis is the engine's clock while requests are unfinished: at rest it stops, so that what was measured stays
    visible. A time that was left out is one empty column."""

    def __init__(self) -> None:
        self.columns: deque[Column] = deque(maxlen=KEPT)
        self._unfinished: set[str] = set()
        self._start: float | None = None  # of the run's first column; None until the next run begins
        self._now = 0.0
        self._newest = 0  # column, counted from the run's first
        self._uncounted: deque[float] = deque(maxlen=KEPT_TOKENS)

    @property
    def running(self) -> bool:
        """Whether the newest column is incomplete."""
        return bool(self._unfinished)

    def add_event(self, event: AnyEvent) -> None:
        """Fold an event; those without throughput are ignored."""
        match event:
            case TokensGenerated() if event.token_ids:
                self._uncounted += event.times  # they come before the step that made them, where time may begin
            case StepsExecuted():
                self._add_steps(event.steps)
                self._count()
            case RequestFinished():
                self._count()
                self._unfinished.discard(event.request_id)
            case OptionsApplied() if event.changed:
                self._mark(_label(event))

    def end(self) -> None:
        """The engine is gone, and its clock with it."""
        self._unfinished.clear()
        self._uncounted.clear()
        self._start = None

    def _add_steps(self, steps: list[Step]) -> None:
        for step in steps:
            if self._unfinished or step.waiting or any(work.busy for work in step.slots):
                self._pass(step.start, step.start + step.seconds)
        if steps:
            there = {work.request_id for work in steps[-1].slots if work.request_id and work.busy}
            self._unfinished = there.union(steps[-1].waiting).difference(steps[-1].finished)

    def _count(self) -> None:
        for time in self._uncounted:
            if self._start is None or time > self._now:
                self._pass(time, time)
            back = self._newest - self._window(time) + 1
            if back <= len(self.columns):
                self.columns[-back].tokens += 1
        self._uncounted.clear()

    def _mark(self, label: str) -> None:
        if not self._unfinished:
            self._leave_out()
        self.columns[-1].mark = label

    def _pass(self, start: float, end: float) -> None:
        """Let time pass for a step from `start` to `end`. A pause before it is left out, unless it was short."""
        pause = LONGEST_PAUSE_S if self._unfinished else WINDOW_S
        if self._start is None or start > self._now + pause:
            if self.columns:
                self._leave_out()
            self._start, self._now, self._newest = start, start, 0
            self.columns.append(Column())
        self._now = max(self._now, end)
        newest = self._window(self._now)
        if newest > self._newest:
            self.columns.extend([Column() for _ in range(min(KEPT, newest - self._newest))])
            self._newest = newest

    def _window(self, time: float) -> int:
        assert self._start is not None
        return max(0, int((time - self._start) / WINDOW_S))

    def _leave_out(self) -> None:
        self._start = None
        if not self.columns or not self.columns[-1].left_out:
            self.columns.append(Column(left_out=True))


def _label(event: OptionsApplied) -> str:
    """What was set to what, in short."""
    return ", ".join(_setting(event, name) for name in event.changed if name in TOGGLES)


def _setting(event: OptionsApplied, name: str) -> str:
    value = format_value(getattr(event.requested, name))
    return f"{SHORT.get(name, TOGGLES[name].label)} {value.rstrip('/').rpartition('/')[2]}"
