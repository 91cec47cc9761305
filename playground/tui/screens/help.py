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
from playground.tui.actions import ACTIONS, PLACES, Action
from playground.tui.state import State

KEY_WIDTH, LABEL_WIDTH = 8, 14


class HelpScreen(ModalScreen[None]):
    """Closed by any of the keys that one would try."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,f1,q,enter", "dismiss", show=False)]
    CSS_PATH = "overlay.tcss"

    def __init__(self, state: State) -> None:
        super().__init__()
        self._state = state

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="overlay", can_focus=True) as overlay:
            overlay.border_title = "Help"
            overlay.border_subtitle = "Esc closes"
            yield Static(help_text(self._state))


def help_text(state: State) -> Content:
    """All of it; what cannot be done now says why."""
    lines: list[Content] = []
    for place, title in PLACES.items():
        lines.append(Content.styled(title, "bold $accent"))
        lines += [_action(action, state) for action in ACTIONS.values() if action.place == place and action.key]
        lines.append(Content())
    lines.append(Content.styled("Numbers", "bold $accent"))
    lines += [Content.assemble((f"{name:<12}", "bold"), (formula, "")) for name, formula in FORMULAS.items()]
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
