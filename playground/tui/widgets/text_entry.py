"""An overlay that asks for one line of text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from playground.text.plain import printable


class TextEntry(ModalScreen[Any]):
    """Returns what `read` makes of the line, or None. `read` raises `ValueError` with the message to show."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", show=False)]
    CSS_PATH = "../screens/overlays/overlay.tcss"

    def __init__(self, title: str, value: str, hint: str, read: Callable[[str], Any] = str.strip) -> None:
        super().__init__()
        self._title, self._value, self._hint, self._read = title, value, hint, read

    def compose(self) -> ComposeResult:
        with Vertical(classes="overlay small") as overlay:
            overlay.border_title = self._title
            overlay.border_subtitle = "Enter takes it   Esc leaves it"
            yield Input(printable(self._value))
            yield Static(self._hint, classes="hint", markup=False)
            yield Static(classes="wrong", markup=False)

    @on(Input.Submitted)
    def _entered(self, message: Input.Submitted) -> None:
        try:
            result = self._read(message.value)
        except ValueError as error:
            self.query_one(".wrong", Static).update(str(error))
        else:
            self.dismiss(result)
