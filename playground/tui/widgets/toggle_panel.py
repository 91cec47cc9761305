"""The toggles: one line each, with the effective value; arrows show other values, Enter switches."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from playground.protocol.options import TOGGLES
from playground.text.plain import one_line
from playground.tui.actions import ACTIONS
from playground.tui.state.state import State
from playground.tui.styles import MUTED
from playground.tui.toggles.rows import Candidate, Row, candidates, rows

KEYS = {"weights": "flip_weights", "attention": "flip_attention", "kv_cache": "flip_kv_cache"}
LABEL_WIDTH = 11
DETAIL_LINES = 6
ARROW = " ▸ "
LOOK, SWITCH = "↑↓ choose   ←→ look at values", "\nEnter switches   e types"


class TogglePanel(Widget, can_focus=True):
    """Shows the possible values; the screen does the switching."""

    class Chosen(Message):
        """Switch to this value."""

        def __init__(self, candidate: Candidate) -> None:
            super().__init__()
            self.candidate = candidate

    class Considered(Message):
        """Another value is selected, or none, or the focus has changed."""

    class EntryAsked(Message):
        """The user wants to type a value."""

        def __init__(self, row: Row) -> None:
            super().__init__()
            self.row = row

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("left", "look(-1)", show=False),
        Binding("right", "look(1)", show=False),
        Binding("enter", "apply", show=False),
        Binding("e", "type", show=False),
    ]

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._state = State()
        self._rows: list[Row] = rows(self._state)
        self._cursor = 0
        self._value: str | None = None

    @property
    def candidate(self) -> Candidate | None:
        """The selected value, if it is not the requested one."""
        row = self._rows[self._cursor]
        found = (each for each in candidates(self._state, row.name) if each.value == self._value)
        return next(found, None) if self._value != row.requested else None

    @property
    def hint(self) -> str:
        """The keys that work here, or the key that goes here."""
        if not self.has_focus:
            return f"{ACTIONS['toggles'].shown_key} goes to the toggles"
        return LOOK if self._state.replaying else LOOK + SWITCH

    def show(self, state: State) -> None:
        """Redraw if a toggle changed."""
        self._state, before = state, self._rows
        self._rows = rows(state)
        if self._rows != before:
            self.refresh()

    def take_back(self) -> bool:
        """Unselect the value; False if none was selected."""
        looked = self._value is not None
        self._look_at(None)
        return looked

    def action_move(self, by: int) -> None:
        self._select((self._cursor + by) % len(self._rows))

    def action_look(self, by: int) -> None:
        row = self._rows[self._cursor]
        values = [each.value for each in candidates(self._state, row.name)]
        if values:
            at = values.index(self._value if self._value in values else row.requested)
            self._look_at(values[(at + by) % len(values)])

    def action_apply(self) -> None:
        if candidate := self.candidate:
            self.post_message(self.Chosen(candidate))
            self._look_at(None)
        elif not self._listed:
            self.action_type()
        else:
            self.action_look(1)

    def action_type(self) -> None:
        self.post_message(self.EntryAsked(self._rows[self._cursor]))

    def on_click(self, event: events.Click) -> None:
        row = event.get_content_offset_capture(self).y - 1
        if not 0 <= row < len(self._rows):
            return
        if row == self._cursor:
            self.action_look(1)
        self._select(row)

    def on_focus(self) -> None:
        self.post_message(self.Considered())

    def on_blur(self) -> None:
        self._value = None
        self.post_message(self.Considered())

    def render(self) -> Content:
        lines = [Content.styled("Toggles", "bold")]
        lines += [self._line(index, row) for index, row in enumerate(self._rows)]
        lines += [Content(), *self._detail()]
        return Content("\n").join(lines)

    def _select(self, cursor: int) -> None:
        if cursor != self._cursor:
            self._cursor = cursor
            self._look_at(None)
            self.refresh()

    def _look_at(self, value: str | None) -> None:
        if value != self._value:
            self._value = value
            self.post_message(self.Considered())
            self.refresh()

    @property
    def _listed(self) -> bool:
        """Whether there are other values for the arrows to go through."""
        return len(candidates(self._state, self._rows[self._cursor].name)) > 1

    def _line(self, index: int, row: Row) -> Content:
        here = index == self._cursor and self.has_focus
        action = ACTIONS.get(KEYS.get(row.name, ""))
        looks = here and self._value is not None
        key = action.shown_key if action and not looks and not action.blocked(self._state) else ""
        room = self.size.width - LABEL_WIDTH
        value = self._shown_value(row, here)
        if len(value[-1]) > room - len(key) - 1:
            key = ""  # the value is more important
        room -= len(key) + bool(key)
        shown = _fitted(*value, room)
        pad = " " * (room - shown.cell_length + bool(key))
        label = (f"{row.label:<{LABEL_WIDTH}}", "$accent bold" if here else MUTED)
        line = Content.assemble(label, shown, pad, (key, "$accent"))
        return line.stylize("on $boost") if here else line

    def _shown_value(self, row: Row, here: bool) -> tuple[str, str, str]:
        """(style, the value before the arrow or empty, the value that must be visible)."""
        if here and self._value is not None and self._value != row.requested:
            candidate = self.candidate
            style = f"{MUTED} strike" if candidate and candidate.reason else "bold $accent"
            return style, row.value, self._value
        if row.differs:
            return "bold $warning", row.requested, f"{row.value} !"
        return f"{MUTED} 66%" if row.blocked else "", "", row.value

    def _detail(self) -> list[Content]:
        """Below the list: why the selected row has its value and, when focused, what the toggle does."""
        row, candidate = self._rows[self._cursor], self.candidate
        words, style = row.blocked or row.reason, MUTED
        if candidate and candidate.reason:
            words, style = f"{candidate.value}: {candidate.reason}", "$error"
        elif row.differs:
            words, style = row.reason or f"{row.requested} was asked for", "$warning"
            # The line had no room for it.
            words = words if row.value in self._line(self._cursor, row).plain else f"{row.value}: {words}"
        parts = [(words, style), *((each, MUTED) for each in self._about(row))]
        detail = Content("\n").join([Content.styled(one_line(part, 300), style) for part, style in parts if part])
        return list(detail.wrap(max(1, self.size.width)))[:DETAIL_LINES]

    def _about(self, row: Row) -> list[str]:
        """What the toggle does, and how to set another value."""
        if not self.has_focus:
            return []
        typed = TOGGLES[row.name].form and not row.blocked and not self._listed
        return [TOGGLES[row.name].about, "e types a value" if typed else f"--set {row.name}={row.requested}"]


def _fitted(style: str, before: str, value: str, room: int) -> Content:
    """`before ▸ value` in `room` cells; the value keeps its room, and shortens `(from x)` to `(x)` if it must."""
    if len(value) > room:
        before, value = "", value.replace("(from ", "(")
    value = one_line(value, room)
    before = one_line(before, max(0, room - len(value) - len(ARROW))) if before else ""
    return Content.assemble((f"{before}{ARROW}" if before else "", MUTED), (value, style))
