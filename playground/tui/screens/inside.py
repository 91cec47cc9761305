"""The Inside screen: outlier columns, attention over length, weights against KV, and steps under the roofline."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container

from playground.protocol.commands import KERNELS, Abort, CancelLoad, MeasureAttention, MeasureOutliers
from playground.tui.actions import Place, ScreenName, bindings
from playground.tui.inside.kv_trial import KVTrial
from playground.tui.inside.trial import TrialRunner
from playground.tui.inside.weights_trial import WeightsTrial
from playground.tui.messages import Updated
from playground.tui.screens.base import WIDTHS, BaseScreen
from playground.tui.screens.panels import Panels
from playground.tui.session import Session
from playground.tui.widgets.inside.attention import AttentionPanel
from playground.tui.widgets.inside.kv import KVPanel
from playground.tui.widgets.inside.outliers import OutlierPanel
from playground.tui.widgets.inside.roofline import RooflinePanel
from playground.tui.widgets.key_bar import KeyBar
from playground.tui.widgets.notice import Notice
from playground.tui.widgets.status_line import StatusLine

PANELS: tuple[Place, ...] = ("outliers", "attention", "kv", "roofline")
TEXT = '''def count_words(text):
    """Count how often each word occurs."""
    counts = {}
    for word in text.split():
        counts[word] = counts.get(word, 0) + 1
    return counts
'''
LENGTHS = (64, 128, 256, 512, 1024, 2048, 4096)
COLUMNS = 256


class InsideScreen(BaseScreen):
    """Four panels, and the measurements and trials that fill them."""

    NAME: ClassVar[ScreenName] = "inside"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(NAME)]
    HORIZONTAL_BREAKPOINTS = WIDTHS
    CSS_PATH = "inside.tcss"
    AUTO_FOCUS = "#outliers"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._panels = Panels(self, PANELS)
        self._runner = TrialRunner(session)
        self._trial, self._kv_trial = WeightsTrial(self._runner), KVTrial(self._runner)
        self._outliers = OutlierPanel(self.state.toggles.requested.int8_threshold)
        self._attention, self._kv, self._roofline = AttentionPanel(), KVPanel(self._trial), RooflinePanel()
        self.handlers |= {
            "find_outliers": lambda: session.bridge.send(MeasureOutliers(prompt=TEXT, columns=COLUMNS)),
            "time_attention": self._time_attention,
            "try_weights": self._trial.start,
            "try_kv": self._kv_trial.start,
            "stop_measuring": self._stop,
            "lower_threshold": lambda: self._outliers.move_threshold(-0.5),
            "raise_threshold": lambda: self._outliers.move_threshold(0.5),
            "apply_threshold": lambda: session.switch("int8_threshold", self._outliers.threshold),
            "more_requests": lambda: self._kv.multiply_requests(2),
            "fewer_requests": lambda: self._kv.multiply_requests(0.5),
            "zoom_inside": lambda: self._panels.toggle("" if self.place == "everywhere" else self.place),
        }

    def compose(self) -> ComposeResult:
        yield StatusLine(self.session.letters)
        with Container(id="inside-body"):
            yield from (self._outliers, self._attention, self._kv, self._roofline)
        yield Notice()
        yield KeyBar()

    @property
    def place(self) -> Place:
        """See `BaseScreen.place`."""
        name = self.focused.id if self.focused else None
        return next((panel for panel in PANELS if panel == name), "everywhere")

    def handle_blocked(self, name: str) -> bool:
        """Let Esc bring back a maximized panel if there is nothing to stop."""
        if name == "stop_measuring" and self._panels.alone:
            self._panels.show()
            return True
        return False

    def on_screen_resume(self) -> None:
        """What happened meanwhile was not drawn."""
        self.show()

    @on(Updated)
    def _updated(self, message: Updated) -> None:
        self._runner.advance()
        self.show_faults(message.changes)
        if self.is_current:
            self.show()

    def show(self) -> None:
        """Show the state in every panel."""
        self.query_one(StatusLine).show(self.state)
        self._outliers.look(self.state)
        self._attention.look(self.state)
        self._kv.look(self.state)
        self._roofline.look(self.state)
        self.query_one(Notice).show(self.state)
        self.show_keys()

    def _time_attention(self) -> None:
        self._runner.require_idle()
        longest = self.state.facts.context if self.state.facts else LENGTHS[-1]
        lengths = [length for length in LENGTHS if length <= longest]
        self.session.bridge.send(MeasureAttention(lengths=lengths, kernels=list(KERNELS)))

    def _stop(self) -> None:
        if self.state.trial_running:
            self._runner.stop()
        elif self.state.inside.measuring:
            self.session.bridge.send(CancelLoad())
        else:
            self.session.bridge.send(Abort())
