"""The Batching screen: one load under static and under continuous batching, or on two engines, on one time axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from playground.session.history.run import Run
from playground.tui.actions import Place, ScreenName, bindings
from playground.tui.batching.driver import LoadDriver
from playground.tui.batching.figures import described
from playground.tui.messages import Updated
from playground.tui.screens.base import HEIGHTS, HIGH, WIDTHS, BaseScreen
from playground.tui.screens.panels import Panels
from playground.tui.session import Session
from playground.tui.state.load_profile import STATIC
from playground.tui.widgets.batching.block_map import BlockMap
from playground.tui.widgets.batching.board import LoadBoard
from playground.tui.widgets.batching.form import LoadForm
from playground.tui.widgets.batching.table import LoadTable
from playground.tui.widgets.batching.twin_boards import FIRST, SECOND, TwinBoards
from playground.tui.widgets.key_bar import KeyBar
from playground.tui.widgets.notice import Notice
from playground.tui.widgets.status_line import StatusLine

MAP_EVERY_S = 0.5
OTHERS, OTHERS_LOW = 18, 12  # lines of all panels but the boards
ENGINES_HINT = "r runs the load twice, on the same arrivals, prompts and lengths: here, then on {}, started for it"
HINT = "r runs the load twice: static, then continuous, on the same arrivals, prompts and lengths"
REPLAY_HINT = "this recording holds no load"


class BatchingScreen(BaseScreen):
    """Shows the state in its widgets, and runs loads through `LoadDriver`."""

    NAME: ClassVar[ScreenName] = "batching"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(NAME)]
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS
    CSS_PATH = "batching.tcss"
    AUTO_FOCUS = "LoadForm"

    def __init__(self, session: Session, keep: Callable[[Run], None] | None = None) -> None:
        """`keep` takes the runs of another engine; those of the session's own are kept anyway."""
        super().__init__(session)
        self._driver = LoadDriver(session, keep)
        self._panels = Panels(self, (FIRST, SECOND, "blocks"))
        self.handlers |= {
            "run_load": self._run,
            "stop_load": self._driver.stop,
            "load_form": lambda: self.query_one(LoadForm).focus(),
            "zoom_panel": self._maximize,
            "next_board": self.focus_next,
        }

    def compose(self) -> ComposeResult:
        yield StatusLine(self.session.letters)
        yield LoadForm()
        yield LoadTable()
        yield TwinBoards()
        yield BlockMap()
        yield Notice()
        yield KeyBar()

    def on_mount(self) -> None:
        """Ask for the block map every `MAP_EVERY_S` while a load runs."""
        self.set_interval(MAP_EVERY_S, self._ask_for_blocks)
        if self.state.replaying:
            self.query(LoadBoard).first().focus()

    def on_screen_resume(self) -> None:
        """What happened meanwhile was not drawn."""
        self.show()

    @on(Updated)
    def _updated(self, message: Updated) -> None:
        self._driver.advance()
        died = self.show_faults(message.changes)
        self.show_early_end("the load", self._driver.fault, died)
        if self.is_current:
            self.show()

    def on_resize(self) -> None:
        """Fit the boards into the lines that the other panels leave."""
        self._fit()
        self.call_after_refresh(self.show)

    def _fit(self) -> None:
        others = (OTHERS if self.size.height >= HIGH else OTHERS_LOW) + self.state.replaying
        self.query_one(TwinBoards).fit(None if self._panels.alone else self.size.height - others)

    def handle_blocked(self, name: str) -> bool:
        """Let Esc bring back a maximized panel if there is no load to stop."""
        if name == "stop_load" and self._panels.alone:
            self._maximize()
            return True
        return False

    @on(LoadForm.Changed)
    def _changed(self) -> None:
        self.show()

    @on(LoadForm.RunAsked)
    def _run_asked(self) -> None:
        self.action_do("run_load")

    def _run(self) -> None:
        self._driver.start(self.query_one(LoadForm).profile)

    def _ask_for_blocks(self) -> None:
        if self._driver.busy:
            self._driver.ask_for_blocks()

    def show(self) -> None:
        """Show the state in every widget."""
        load = self.state.load
        if self.state.replaying:
            self.query_one(LoadForm).show_recorded(described(load))
        self.query_one(StatusLine).show(self.state)
        self.query_one(LoadTable).show(load, self._hint)
        self.query_one(TwinBoards).show(load, self.query_one(LoadForm).profile.slots)
        self.query_one(BlockMap).show(load)
        self.query_one(Notice).show(self.state)
        self.show_keys()

    @property
    def _hint(self) -> str:
        profile = self.query_one(LoadForm).profile
        if self.state.replaying:
            return REPLAY_HINT
        if reason := self._driver.why_not(profile):
            return reason
        return HINT if profile.against == STATIC else ENGINES_HINT.format(profile.against)

    @property
    def place(self) -> Place:
        """See `BaseScreen.place`."""
        if isinstance(self.focused, LoadForm):
            return "load"
        return "boards" if isinstance(self.focused, LoadBoard) else "everywhere"

    def _maximize(self) -> None:
        board = self.focused if isinstance(self.focused, LoadBoard) else None
        self._panels.toggle(board.id or "" if board else "blocks")
        self._fit()
