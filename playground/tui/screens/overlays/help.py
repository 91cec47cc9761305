"""The help overlay: every key from the action table, the signs of board and timeline, the formula of every number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widget import Widget

from playground.protocol.metrics import FORMULAS
from playground.tui.actions import ACTIONS, PLACES, Action, ScreenName
from playground.tui.state.state import State
from playground.tui.state.timeline import WINDOW_S
from playground.tui.styles import MUTED
from playground.tui.widgets.board.cells import GLYPHS, MARKS
from playground.tui.widgets.timeline import lines as timeline_lines

KEY_WIDTH, LABEL_WIDTH, LEAST_WIDTH = 8, 14, 20
BOARD = {
    "A": "a request begins, and its letter again here and there; columns are steps, rows the engine's slots",
    GLYPHS["prefill"]: "prefill: tokens of the prompt",
    GLYPHS["decode"]: "decode: an answer's token",
    GLYPHS["draft"]: "a step in which drafted tokens were accepted",
    GLYPHS["held"]: "held, idle: the slot waits for the others of its batch (static)",
    MARKS["end"]: "the answer ends",
    MARKS["preempted"]: "preempted: its blocks were needed by others, and it will be computed again",
    MARKS["several"]: "several requests in one column, where a column is many steps",
}
TIMELINE = {
    timeline_lines.SWITCH: f"a switch, at the column in which it was thrown; each is System TPS over {WINDOW_S:g} s",
    timeline_lines.LEFT_OUT: "a pause: the axis is of activity, time passes only while requests are unfinished",
}


class HelpScreen(ModalScreen[None]):
    """Closed by Esc, F1, q or Enter."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,f1,q,enter", "dismiss", show=False)]
    CSS_PATH = "overlay.tcss"

    def __init__(self, state: State, on: ScreenName) -> None:
        super().__init__()
        self._state, self._on = state, on

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="overlay", can_focus=True) as overlay:
            overlay.border_title = "Help"
            overlay.border_subtitle = "Esc closes"
            yield HelpText(self._state, self._on)


class HelpText(Widget):
    """The text, laid out for its width."""

    DEFAULT_CSS = "HelpText { height: auto; }"

    def __init__(self, state: State, on: ScreenName) -> None:
        super().__init__()
        self._state, self._on = state, on

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """The number of lines at this width."""
        return help_text(self._state, self._on, width).plain.count("\n") + 1

    def render(self) -> Content:
        return help_text(self._state, self._on, self.size.width)


def help_text(state: State, on: ScreenName, width: int) -> Content:
    """The keys of one screen and the formula of every number; blocked actions with their reasons."""
    lines: list[Content] = []
    there = [action for action in ACTIONS.values() if action.key and action.label and action.on(on)]
    there = [action.on_engine(state) for action in there if state.replaying or action.place != "replay"]
    for place, title in PLACES.items():
        if actions := [_action(action, state, width) for action in there if action.place == place]:
            lines += [Content.styled(title, "bold $accent"), *actions, Content()]
    if on in ("playground", "batching"):
        lines += [Content.styled("Board", "bold $accent"), *_words(BOARD, KEY_WIDTH, width), Content()]
    if on == "playground":
        lines += [Content.styled("Timeline", "bold $accent"), *_words(TIMELINE, KEY_WIDTH, width), Content()]
    lines.append(Content.styled("Numbers", "bold $accent"))
    lines += _words(FORMULAS, max(map(len, FORMULAS)) + 2, width)
    return Content("\n").join(lines)


def _words(meanings: Mapping[str, str], indent: int, width: int) -> list[Content]:
    return [
        _hang(Content.styled(f"{name:<{indent}}", "bold"), Content(meaning), width)
        for name, meaning in meanings.items()
    ]


def _action(action: Action, state: State, width: int) -> Content:
    reason = action.blocked(state)
    style = MUTED if reason else ""
    why = f"  ({reason})" if reason else ""
    head = Content.assemble((f"{action.shown_key:<{KEY_WIDTH}}", "bold"), (f"{action.label:<{LABEL_WIDTH}}", style))
    return _hang(head, Content.styled(f"{action.description}{why}", MUTED), width)


def _hang(head: Content, body: Content, width: int) -> Content:
    """Wrap `body` to the right of `head`, with a hanging indent."""
    first, *rest = body.wrap(max(LEAST_WIDTH, width - len(head)))
    return Content("\n").join([head + first, *(line.pad_left(len(head)) for line in rest)])
