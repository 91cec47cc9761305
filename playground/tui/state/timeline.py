"""System TPS over time, with a mark where each switch was thrown: a fold over events. Knows nothing of Textual."""

from __future__ import annotations

from collections import deque

import msgspec

from playground.protocol.events import OptionsApplied, RequestFinished, StepsExecuted, TokensGenerated
from playground.protocol.options import TOGGLES, format_value
from playground.protocol.steps import Step
from playground.protocol.wire import AnyEvent

# Long enough that a column of a slow model holds several tokens, short enough that a switch is seen at once.
WINDOW_S = 0.5
# With requests unfinished: a weights switch is a valley, but the restart of an engine does not fill the picture.
LONGEST_PAUSE_S = 5.0
KEPT = 512  # columns: more than any terminal has
KEPT_TOKENS = 1 << 16  # of tokens whose step was not told yet
WORKING = ("prefill", "decode")
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
    """The axis is of activity, on the engine's clock: time passes only while requests are unfinished, so that what was
    measured stays in sight at rest. What was left out stands as one empty column between two runs."""

    def __init__(self) -> None:
        self.columns: deque[Column] = deque(maxlen=KEPT)
        self._unfinished: set[str] = set()
        self._start: float | None = None  # of the run's first column; None until the next run begins
        self._now = 0.0
        self._newest = 0  # column, counted from the run's first
        self._untold: deque[float] = deque(maxlen=KEPT_TOKENS)

    @property
    def running(self) -> bool:
        """The newest column is not complete."""
        return bool(self._unfinished)

    def add_event(self, event: AnyEvent) -> None:
        """Whatever says nothing of throughput is passed over."""
        match event:
            case TokensGenerated() if event.token_ids:
                self._untold += event.times  # told ahead of the step that made them, where time may begin
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
        self._untold.clear()
        self._start = None

    def _add_steps(self, steps: list[Step]) -> None:
        for step in steps:
            if self._unfinished or step.waiting or any(work.phase in WORKING for work in step.slots):
                self._pass(step.start, step.start + step.seconds)
        if steps:
            there = {work.request_id for work in steps[-1].slots if work.request_id and work.phase in WORKING}
            self._unfinished = there.union(steps[-1].waiting).difference(steps[-1].finished)

    def _count(self) -> None:
        for time in self._untold:
            if self._start is None or time > self._now:
                self._pass(time, time)
            back = self._newest - self._window(time) + 1
            if back <= len(self.columns):
                self.columns[-back].tokens += 1
        self._untold.clear()

    def _mark(self, label: str) -> None:
        if not self._unfinished:
            self._leave_out()
        self.columns[-1].mark = label

    def _pass(self, start: float, end: float) -> None:
        """Something took from `start` to `end`; a pause before it is left out, or passes too if it was a short one."""
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
    """What was set to what, as short as it goes."""
    return ", ".join(_setting(event, name) for name in event.changed if name in TOGGLES)


def _setting(event: OptionsApplied, name: str) -> str:
    value = format_value(getattr(event.requested, name))
    return f"{SHORT.get(name, TOGGLES[name].label)} {value.rstrip('/').rpartition('/')[2]}"
