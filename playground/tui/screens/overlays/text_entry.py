"""Asks for one line of text."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static


class TextEntry(ModalScreen[str | None]):
    """Gives back the line, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", show=False)]
    CSS_PATH = "overlay.tcss"

    def __init__(self, title: str, value: str, hint: str) -> None:
        super().__init__()
        self._title, self._value, self._hint = title, value, hint

    def compose(self) -> ComposeResult:
        with Vertical(classes="overlay small") as overlay:
            overlay.border_title = self._title
            overlay.border_subtitle = "Enter takes it   Esc leaves it"
            yield Input(self._value)
            yield Static(self._hint, classes="hint", markup=False)

    @on(Input.Submitted)
    def _entered(self, message: Input.Submitted) -> None:
        self.dismiss(message.value.strip())
