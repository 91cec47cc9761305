"""The figures of a suite: the measure with its interval, verdicts, TPS, TTFT, memory."""

from __future__ import annotations

from typing import Any

from textual.content import Content
from textual.widget import Widget

from playground.text import numbers
from playground.text.plain import one_line
from playground.text.sizes import format_memory
from playground.tui.bench.driver import BenchView
from playground.tui.history.columns import options
from playground.tui.styles import MUTED
from playground.tui.widgets.bench.results import COLOURS, verdicts


class BenchFigures(Widget):
    """Seven lines; – for what is not known yet."""

    DEFAULT_CSS = """
    BenchFigures { height: auto; min-height: 7; padding: 0 1; background: $surface; }
    """

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._content = Content()

    def show(self, view: BenchView) -> None:
        """Redraw if a figure changed."""
        content = _content(view)
        if content != self._content:
            self._content = content
            self.refresh(layout=True)

    def render(self) -> Content:
        return self._content


def _content(view: BenchView) -> Content:
    run, figure = view.run, view.progress.figure if view.progress else ""
    counted = [(f"{count} {verdict}  ", COLOURS.get(verdict, "")) for verdict, count in verdicts(view.rows).items()]
    lines = [
        Content.assemble((one_line(figure, 80) or numbers.UNKNOWN, "bold")),
        Content.assemble(*counted) if counted else Content(),
        _line("TPS", numbers.rate(run.tps if run else None, "tok/s"), "median"),
        _line("System TPS", numbers.rate(run.system_tps if run else None, "tok/s"), ""),
        _line("TTFT", numbers.seconds(run.ttft_s if run else None), "median"),
        _line("Memory", format_memory(run.memory_bytes if run else None), "of its own engine"),
        _line("options", one_line(options(run), 120) if run else numbers.UNKNOWN, ""),
    ]
    return Content("\n").join(lines)


def _line(label: str, value: str, note: str) -> Content:
    return Content.assemble((f"{label:<11}", MUTED), value, (f"  {note}" if note else "", MUTED))
