"""Opens and leaves the toggles of the Playground screen, and switches what is chosen there."""

from __future__ import annotations

from collections.abc import Callable

from playground.protocol.option_text import parse_value
from playground.protocol.options import TOGGLES, format_value
from playground.tui.screens.base import BaseScreen
from playground.tui.toggles.rows import Candidate, Row, candidate
from playground.tui.widgets.notice import Notice
from playground.tui.widgets.text_entry import TextEntry
from playground.tui.widgets.toggle_panel import TogglePanel


class ToggleDrawer:
    """In a narrow terminal the toggles are in a drawer, which is open while they have the focus. `left` is called when
    the user leaves it."""

    def __init__(self, screen: BaseScreen, panel: TogglePanel, left: Callable[[], object]) -> None:
        self._screen, self._panel, self._left = screen, panel, left

    def pull(self) -> None:
        """Go to the toggles, or away from them."""
        if self._panel.has_focus:
            self.leave()
        else:
            self._screen.add_class("-drawer")
            self._panel.focus()

    def leave(self) -> None:
        """Close the drawer and go back."""
        self.close()
        self._left()

    def close(self) -> None:
        """Close the drawer."""
        self._screen.remove_class("-drawer")

    def switch(self, chosen: Candidate) -> None:
        """Switch to a value, or say why that is not possible."""
        notice = self._screen.query_one(Notice)
        if chosen.reason:
            notice.say(f"{chosen.name} cannot be {chosen.value}: {chosen.reason}")
        else:
            notice.quiet()
            self._screen.run(lambda: self._screen.session.switch(chosen.name, chosen.parsed))

    def enter_value(self, row: Row) -> None:
        """Ask for a value that is not in the list."""
        toggle, looked_at = TOGGLES[row.name], self._panel.candidate

        def entered(value: str | None) -> None:
            if value is not None:
                self.switch(candidate(self._screen.state, row.name, value))

        entry = TextEntry(
            toggle.name,
            looked_at.value if looked_at else row.requested,
            toggle.form or ", ".join(toggle.values),
            lambda text: format_value(parse_value(row.name, text.strip())),
        )
        self._screen.app.push_screen(entry, entered)
