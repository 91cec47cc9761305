"""The notice line: progress of a load, or what went wrong and what to do. Hidden otherwise."""

from __future__ import annotations

from time import monotonic
from typing import Any

from textual.content import Content
from textual.timer import Timer
from textual.widget import Widget

from playground.protocol.commands import LoadModel
from playground.protocol.events import ModelLoading
from playground.protocol.fault import with_advice
from playground.text.plain import one_line
from playground.text.sizes import format_share
from playground.tui.checkpoints import short_name
from playground.tui.state.state import State
from playground.tui.styles import MUTED
from playground.tui.widgets.progress_bar import progress_bar

READING_S = 12.0
PATIENCE_S = 0.4
TICK_S = 0.5
BYTES = 1 << 16
REST = "━", "$surface-lighten-2"


class Notice(Widget):
    """A message, above progress if there is any: a key that is refused during a load must not seem dead. It disappears
    after a while or with the next action, and may wrap: the reason or the way out is at its end."""

    DEFAULT_CSS = """
    Notice { height: 1; padding: 0 1; background: $background; text-wrap: nowrap; text-overflow: ellipsis; }
    Notice.-message { height: auto; max-height: 3; text-wrap: wrap; }
    """

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._progress = self._end = Content()
        self._message, self._bad = Content(), False
        self._timer: Timer | None = None
        self._state: State | None = None
        self._patience: Timer | None = None
        self._ticks: Timer | None = None
        self._of: LoadModel | None = None  # the load that `_since` is of
        self._since: float | None = None

    def show(self, state: State) -> None:
        """Show the progress of a load or conversion; that of a switch only if it takes longer than `PATIENCE_S`."""
        self._state = state
        if not state.toggles.switching:
            self._lose_patience()
        elif self._patience is None:
            self._patience = self.set_timer(PATIENCE_S, self._show_progress)
        if not (state.toggles.switching and state.model.progress is None):
            self._show_progress()

    def _show_progress(self) -> None:
        if self._state is None:
            return
        progress, end = _progress(self._state), _end(self._state, self._elapsed(self._state))
        if (progress, end) != (self._progress, self._end):
            self._progress, self._end = progress, end
            self._update()

    def _elapsed(self, state: State) -> float:
        """Seconds since the load, switch or compile began, shown anew by a timer; 0 in a replay, whose time is not
        ours."""
        loading, busy = state.model.loading, bool(state.model.loading or state.model.progress) and not state.replaying
        if not busy or self._since is None or (loading and loading is not self._of):
            self._of, self._since = loading, monotonic() if busy else None
        if busy and self._ticks is None:
            self._ticks = self.set_interval(TICK_S, self._show_progress)
        elif self._ticks and not busy:
            self._ticks.stop()
            self._ticks = None
        return 0.0 if self._since is None else monotonic() - self._since

    def say(self, message: str, advice: str = "", bad: bool = False) -> None:
        """Show a line; a fault (`bad`) stays until another line is shown."""
        text = one_line(with_advice(message, advice), 400)
        self._message = Content.assemble(("! " if bad else "", "bold $error"), (text, "$error" if bad else MUTED))
        self._bad = bad
        self._give_time()
        self._update()

    def quiet(self) -> None:
        """Remove the message."""
        if self._message.plain:
            self._message, self._bad = Content(), False
            self._update()

    def render(self) -> Content:
        return Content("\n").join([each for each in (self._message, self._fitted()) if each.plain])

    def _fitted(self) -> Content:
        """The progress, cut so that its seconds and the key that ends it are seen."""
        if not self._progress.plain:
            return self._progress
        room = max(0, self.size.width - self._end.cell_length)
        left = self._progress if self._progress.cell_length <= room else self._progress.truncate(room, ellipsis=True)
        return left + self._end

    def _give_time(self) -> None:
        """Let the message disappear after `READING_S`, unless it is a fault."""
        if self._timer:
            self._timer.stop()
        self._timer = None if self._bad else self.set_timer(READING_S, self.quiet)

    def _lose_patience(self) -> None:
        if self._patience:
            self._patience.stop()
            self._patience = None

    def _update(self) -> None:
        message = bool(self._message.plain)
        self.set_class(bool(self._progress.plain or message), "-shown")
        self.set_class(message, "-message")
        self.refresh(layout=message)


def _progress(state: State) -> Content:
    if state.model.loading is None and state.model.progress is None:
        return Content()
    stage = state.model.progress
    what = "switching" if state.model.loading is None else f"loading {short_name(state.model.loading.model)}"
    if stage and stage.stage == "warm-up" and not (state.model.loading or state.toggles.switching):
        what = "compiling"
    if stage is None:
        return Content.assemble((what, "bold"), ("  starting the engine", MUTED))
    detail = f"  {one_line(stage.detail, 60)}" if stage.detail else ""
    return Content.assemble((what, "bold"), f"  {stage.stage}  ", _bar(stage), (detail, MUTED))


def _end(state: State, elapsed: float) -> Content:
    """Whole seconds, none within the first, and the key that ends it; no key in a replay."""
    seconds = f"   {int(elapsed)} s" if elapsed >= 1 else ""
    key = "" if state.replaying else "   Esc cancels" if state.model.loading else "   Esc stops"
    return Content.styled(seconds + key, MUTED)


def _bar(stage: ModelLoading) -> Content:
    if not stage.total:
        return Content()
    far = format_share(stage.done, stage.total) if stage.total >= BYTES else f"{stage.done} of {stage.total}"
    return Content.assemble(progress_bar(stage.done / stage.total, rest=REST), f"  {far}")
