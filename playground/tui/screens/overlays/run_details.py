"""One run in full, or two side by side."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from playground.session.history.run import Run
from playground.text.plain import printable
from playground.tui.history.diff import DiffRow, diff
from playground.tui.styles import MUTED
from playground.tui.widgets.fitting import cell

LABEL_WIDTH, CHANGE_WIDTH = 18, 9


class RunDetails(ModalScreen[None]):
    """Differences are bold; better and worse are green and red."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,enter,d", "dismiss", show=False)]
    CSS_PATH = "overlay.tcss"

    def __init__(self, a: Run, b: Run | None = None) -> None:
        super().__init__()
        self._a, self._b = a, b

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="overlay", can_focus=True) as overlay:
            overlay.border_title = "Two runs" if self._b else "Run"
            overlay.border_subtitle = "Esc closes"
            yield Static()

    def on_resize(self) -> None:
        """Fill the text for the new width, which the columns share."""
        self.call_after_refresh(self._fill)

    def _fill(self) -> None:
        width = self.query_one(Static).size.width
        rows = diff(self._a, self._b)
        lines = [_row(row, width, self._b is not None) for row in rows]
        if self._b is None and self._a.prompt:
            lines += [Content(), Content.styled("prompt", MUTED), Content(printable(self._a.prompt))]
        if self._b:
            lines += [Content(), Content.styled("one run against one run: the spread is not known", MUTED)]
        self.query_one(Static).update(Content("\n").join(lines))


def _row(row: DiffRow, width: int, two: bool) -> Content:
    label = f"{row.label:<{LABEL_WIDTH}}"
    if not two:
        return Content.assemble((label, MUTED), row.a)
    each = max(8, (width - LABEL_WIDTH - CHANGE_WIDTH - 1) // 2)
    style = "bold" if row.differs else MUTED
    colour = {True: "bold $success", False: "bold $error", None: ""}[row.better]
    return Content.assemble(
        (label, MUTED),
        (cell(row.a, each - 1) + " ", style),
        (cell(row.b, each - 1) + " ", style),
        (f"{row.change:>{CHANGE_WIDTH}}", colour),
    )
