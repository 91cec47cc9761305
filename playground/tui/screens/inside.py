"""Screen 5: outlier columns, attention over length, weights against KV, and steps under the roofline."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container

from playground.protocol.commands import Abort, CancelLoad, MeasureAttention, MeasureOutliers
from playground.tui import numbers
from playground.tui.actions import Place, ScreenName, bindings
from playground.tui.course import Course, require_quiet
from playground.tui.inside_plots import described_attention, described_roofline, draw_attention, draw_roofline
from playground.tui.kv_chart import WIDE, capacity_table, described, draw_stack
from playground.tui.kv_fit import Pool
from playground.tui.kv_trial import KVTrial
from playground.tui.letters import Letters
from playground.tui.messages import MachineSampled, Updated
from playground.tui.outlier_grid import draw_outliers, lowest_known, title
from playground.tui.scatter_grid import DIM, Part
from playground.tui.screens.panels import Panels
from playground.tui.screens.stage import Stage
from playground.tui.session import Session
from playground.tui.state import Changes
from playground.tui.weights_trial import WeightsTrial
from playground.tui.widgets.inside_panel import InsidePanel
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
KERNELS = ("eager", "sdpa-math", "sdpa-flash")
HIGHEST, COLUMNS = 10.0, 256


class InsideScreen(Stage):
    """Four panels; each is drawn from the state alone."""

    NAME: ClassVar[ScreenName] = "inside"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(NAME)]
    HORIZONTAL_BREAKPOINTS: ClassVar[list[tuple[int, str]]] = [(0, "-narrow"), (110, "-normal")]
    CSS_PATH = "inside.tcss"
    AUTO_FOCUS = "#outliers"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._panels = Panels(self, PANELS)
        self._course = Course(session.bridge)
        self._trial, self._kv_trial = WeightsTrial(self._course), KVTrial(self._course)
        self._threshold, self._requests, self._top = self.state.requested.int8_threshold, 1, 0
        self._limit: int | None = None
        self.deeds |= {
            "find_outliers": lambda: session.bridge.send(MeasureOutliers(prompt=TEXT, columns=COLUMNS)),
            "time_attention": self._time_attention,
            "try_weights": self._trial.start,
            "try_kv": self._kv_trial.start,
            "stop_measuring": self._stop,
            "lower_threshold": lambda: self._move_threshold(-0.5),
            "raise_threshold": lambda: self._move_threshold(0.5),
            "apply_threshold": lambda: session.switch("int8_threshold", self._threshold),
            "more_requests": lambda: self._change_requests(2),
            "fewer_requests": lambda: self._change_requests(0.5),
            "zoom_inside": lambda: self._panels.toggle("" if self.place == "everywhere" else self.place),
        }

    def compose(self) -> ComposeResult:
        yield StatusLine(Letters())
        with Container(id="inside-body"):
            yield InsidePanel(
                "LLM.int8() outliers",
                "o runs one forward and shows every layer's largest input columns\n"
                "python -m playground.models.make_outliers writes a model that has many",
                id="outliers",
            )
            yield InsidePanel(
                "Attention", "a times eager, math and flash over lengths, on an idle engine", id="attention"
            )
            yield InsidePanel("Weights against KV", "drawn once a model is loaded", id="kv")
            yield InsidePanel("Roofline", "a measures the roof too; then every step is a dot", id="roofline")
        yield Notice()
        yield KeyBar()

    @property
    def place(self) -> Place:
        """See `Stage.place`."""
        name = self.focused.id if self.focused else None
        return next((panel for panel in PANELS if panel == name), "everywhere")

    def step_back(self, name: str) -> bool:
        """Esc brings a maximized panel back where nothing is there to be stopped."""
        if name == "stop_measuring" and self._panels.alone:
            self._panels.show()
            return True
        return False

    @on(Updated)
    def _updated(self, message: Updated) -> None:
        self._course.advance()
        self._report(message.changes)
        self.show()

    @on(MachineSampled)
    def _sampled(self, message: MachineSampled) -> None:
        gpu = next((gpu.memory for gpu in message.snapshot.gpus if gpu.memory), None)
        self._limit = gpu.total if gpu else message.snapshot.host.total

    def _report(self, changes: Changes) -> None:
        for failure in changes.failures:
            if failure.where in ("MeasureAttention", "MeasureOutliers"):
                self.state.inside.stop()
            self.query_one(Notice).say(failure.message, failure.advice, bad=failure.message != "stopped on request")

    @on(events.Key)
    def _scroll(self, event: events.Key) -> None:
        if self.place == "outliers" and event.key in ("up", "down") and self.state.inside.outliers:
            last = len(self.state.inside.outliers.layers) - 1
            self._top = min(last, max(0, self._top + (1 if event.key == "down" else -1)))
            event.stop()
            self.show()

    def show(self) -> None:
        """Each panel looks for itself whether it has anything to draw."""
        self.query_one(StatusLine).show(self.state)
        self._show_outliers()
        self._show_attention()
        self._show_kv()
        self._show_roofline()
        self.query_one(Notice).show(self.state)
        self.show_keys()

    def _show_outliers(self) -> None:
        measured, threshold, top = self.state.inside.outliers, self._threshold, self._top
        note = ""
        if measured:
            note = title(measured, threshold, self.state.requested.int8_threshold)
            if threshold and threshold < lowest_known(measured.layers):
                note += ", and more"
        self.query_one("#outliers", InsidePanel).show(
            (id(measured), threshold, top),
            note,
            lambda width, height: draw_outliers(measured, threshold, width, height, top) if measured else [],
        )

    def _show_attention(self) -> None:
        inside = self.state.inside
        note = f"{inside.done} of {inside.total}" if inside.measuring else described_attention(inside.points)
        points = tuple(inside.points)
        self.query_one("#attention", InsidePanel).show(
            len(points), note, lambda width, height: draw_attention(points, width, height)
        )

    def _show_kv(self) -> None:
        state, facts = self.state, self.state.facts
        panel = self.query_one("#kv", InsidePanel)
        if facts is None:
            panel.show(None, "", lambda width, height: [])
            return
        weights, kind = state.memory.weights or facts.weights_bytes, state.requested.kv_cache
        block, requests = state.requested.block_size, self._requests
        pool = state.inside.kv.pool or Pool(0, state.memory.kv_reserved, state.requested.max_batch)

        def table(width: int) -> list[list[Part]]:
            return [*capacity_table(facts, block, pool, kind, state.inside, width), *self._trial_lines()]

        def draw(width: int, height: int) -> list[list[Part]]:
            lines = table(width)
            return [*draw_stack(facts, weights, kind, block, requests, width, height - len(lines)), *lines]

        note = described(facts, weights, kind, block, requests, self._limit)
        panel.show((weights, kind, block, requests, str(table(WIDE))), note, draw)

    def _show_roofline(self) -> None:
        state, inside = self.state, self.state.inside
        panel, facts, ceilings = self.query_one("#roofline", InsidePanel), state.facts, inside.ceilings
        if facts is None or ceilings is None:
            panel.show(None, "", lambda width, height: [])
            return
        trail, block = tuple(inside.trail), state.requested.block_size
        weights = state.memory.weights or facts.weights_bytes
        panel.show(
            (trail[-1].index if trail else -1, weights, id(ceilings)),
            described_roofline(ceilings, trail, facts, block, weights),
            lambda width, height: draw_roofline(ceilings, trail, facts, block, weights, width, height),
        )

    def _trial_lines(self) -> list[list[Part]]:
        if not self._trial.kinds:
            return []
        lines: list[list[Part]] = [[(f"{'weights':9}{'bytes':>12}{'switch':>10}{'TPS':>16}", DIM)]]
        for kind in self._trial.kinds:
            waits = "measuring" if kind is self._trial.now else kind.fault
            speed = numbers.rate(kind.tps, "tok/s") if kind.tps else waits or "–"
            text = f"{kind.name:9}{numbers.size(kind.bytes):>12}{numbers.seconds(kind.switch_s):>10}{speed:>16}"
            lines.append([(text, "bold" if kind is self._trial.now else "")])
        return lines

    def _time_attention(self) -> None:
        require_quiet(self.state)
        longest = self.state.facts.context if self.state.facts else LENGTHS[-1]
        lengths = [length for length in LENGTHS if length <= longest]
        self.session.bridge.send(MeasureAttention(lengths=lengths, kernels=list(KERNELS)))

    def _stop(self) -> None:
        if self.state.trying:
            self._course.stop()
        elif self.state.inside.measuring:
            self.session.bridge.send(CancelLoad())
        else:
            self.session.bridge.send(Abort())

    def _move_threshold(self, by: float) -> None:
        self._threshold = min(HIGHEST, max(0.0, self._threshold + by))

    def _change_requests(self, by: float) -> None:
        self._requests = max(1, min(1024, int(self._requests * by)))
