"""Asks for a toggle's value in its own spelling, the one of the command line."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from playground.protocol.options import TOGGLES, OptionError, format_value, parse_value
from playground.tui.toggles.rows import Row


class ValueEntry(ModalScreen[str | None]):
    """Gives back a value that can be read, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", show=False)]
    CSS_PATH = "overlay.tcss"

    def __init__(self, row: Row) -> None:
        super().__init__()
        self._row = row

    def compose(self) -> ComposeResult:
        toggle = TOGGLES[self._row.name]
        with Vertical(classes="overlay small") as overlay:
            overlay.border_title = toggle.name
            overlay.border_subtitle = "Enter takes it   Esc leaves it"
            yield Input(self._row.requested)
            yield Static(toggle.form or ", ".join(toggle.values), classes="hint", markup=False)
            yield Static(classes="wrong", markup=False)

    @on(Input.Submitted)
    def _entered(self, message: Input.Submitted) -> None:
        try:
            value = format_value(parse_value(self._row.name, message.value.strip()))
        except OptionError as error:
            self.query_one(".wrong", Static).update(str(error))
        else:
            self.dismiss(value)
