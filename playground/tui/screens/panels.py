"""Shows one panel of a screen alone, or all of them, through classes of the screen."""

from __future__ import annotations

from collections.abc import Sequence

from textual.screen import Screen
from textual.widget import Widget


class Panels:
    """The panels of one screen, by their ids."""

    def __init__(self, screen: Screen[None], names: Sequence[str]) -> None:
        self._screen, self._names = screen, names
        self._focused: Widget | None = None

    @property
    def alone(self) -> bool:
        """Whether one panel is shown alone."""
        return self._screen.has_class("-maximized")

    def show(self, name: str = "") -> None:
        """Show this panel alone; all of them without a name."""
        if name and not self.alone:
            self._focused = self._screen.focused
        elif self._focused and not name:
            self._screen.call_after_refresh(self._give_focus_back)
        self._screen.set_class(bool(name), "-maximized")
        for each in self._names:
            self._screen.set_class(each == name, f"-max-{each}")

    def _give_focus_back(self) -> None:
        """A hidden widget loses the focus."""
        if self._focused and self._screen.focused is None:
            self._focused.focus()

    def toggle(self, name: str) -> None:
        """Show this panel alone, or all of them again."""
        self.show("" if self.alone else name)
