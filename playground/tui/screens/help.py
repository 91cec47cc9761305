"""The help overlay: every key from the action table, and the formula of every number."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from playground.protocol.metrics import FORMULAS
from playground.tui.actions import ACTIONS, PLACES, Action, ScreenName
from playground.tui.state import State

KEY_WIDTH, LABEL_WIDTH = 8, 14


class HelpScreen(ModalScreen[None]):
    """Closed by any of the keys that one would try."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,f1,q,enter", "dismiss", show=False)]
    CSS_PATH = "overlay.tcss"

    def __init__(self, state: State, on: ScreenName) -> None:
        super().__init__()
        self._state, self._on = state, on

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="overlay", can_focus=True) as overlay:
            overlay.border_title = "Help"
            overlay.border_subtitle = "Esc closes"
            yield Static(help_text(self._state, self._on))


def help_text(state: State, on: ScreenName) -> Content:
    """The keys of one screen, and every number; what cannot be done now says why."""
    lines: list[Content] = []
    there = [action for action in ACTIONS.values() if action.key and action.label and action.on(on)]
    for place, title in PLACES.items():
        if actions := [_action(action, state) for action in there if action.place == place]:
            lines += [Content.styled(title, "bold $accent"), *actions, Content()]
    lines.append(Content.styled("Numbers", "bold $accent"))
    width = max(map(len, FORMULAS)) + 2
    lines += [Content.assemble((f"{name:<{width}}", "bold"), (formula, "")) for name, formula in FORMULAS.items()]
    return Content("\n").join(lines)


def _action(action: Action, state: State) -> Content:
    reason = action.blocked(state)
    style = "$meaning-waiting" if reason else ""
    why = f"  ({reason})" if reason else ""
    return Content.assemble(
        (f"{action.shown_key:<{KEY_WIDTH}}", "bold"),
        (f"{action.label:<{LABEL_WIDTH}}", style),
        (f"{action.description}{why}", "$meaning-waiting"),
    )
