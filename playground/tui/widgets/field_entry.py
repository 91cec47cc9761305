"""Asks for the value of one field."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from playground.text.plain import printable
from playground.tui.fields import Field


class FieldEntry(ModalScreen[Any]):
    """Gives back the profile with the value, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", show=False)]
    CSS_PATH = "../screens/overlays/overlay.tcss"

    def __init__(self, field: Field, profile: Any) -> None:
        super().__init__()
        self._field, self._profile = field, profile

    def compose(self) -> ComposeResult:
        with Vertical(classes="overlay small") as overlay:
            overlay.border_title = self._field.name
            overlay.border_subtitle = "Enter takes it   Esc leaves it"
            yield Input(printable(self._field.text(self._profile)))
            yield Static(self._field.form, classes="hint", markup=False)
            yield Static(classes="wrong", markup=False)

    @on(Input.Submitted)
    def _entered(self, message: Input.Submitted) -> None:
        try:
            profile = self._field.set(self._profile, message.value)
        except ValueError as error:
            self.query_one(".wrong", Static).update(str(error))
        else:
            self.dismiss(profile)
