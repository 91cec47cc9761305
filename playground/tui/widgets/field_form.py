"""The fields of a profile in a line or two: arrows choose a field and a value, Enter runs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.widget import Widget

from playground.text.plain import printable
from playground.tui.fields import Field
from playground.tui.styles import MUTED
from playground.tui.widgets.text_entry import TextEntry

GAP = 2
MOST_SHOWN = 1000  # letters of a value, wider than any screen
TITLE_PART, RECORDED_PART = -1, -2


class FieldForm(Widget, can_focus=True):
    """Holds the profile; the screen runs it."""

    DEFAULT_CSS = """
    FieldForm { height: auto; padding: 0 1; background: $surface; text-wrap: nowrap; text-overflow: ellipsis; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1)", show=False),
        Binding("right", "move(1)", show=False),
        Binding("up", "step(1)", show=False),
        Binding("down", "step(-1)", show=False),
        Binding("enter", "run", show=False),
        Binding("e", "type", show=False),
    ]

    class Changed(Message):
        """The profile changed."""

    class RunAsked(Message):
        """The user wants to run the profile."""

    def __init__(self, title: str, button: str, fields: Sequence[Field], profile: Any, **widget: Any) -> None:
        super().__init__(**widget)
        self.profile = profile
        self._title, self._button, self._fields = title, button, fields
        self._at = 0
        self._recorded: str | None = None

    def show_recorded(self, text: str) -> None:
        """Show what a replay ran; nothing can be set."""
        self.can_focus = False
        if text != self._recorded:
            self._recorded = text
            self.refresh(layout=True)

    def offer(self, fields: Sequence[Field]) -> None:
        """Offer other choices in the same fields."""
        self._fields = fields

    def set(self, profile: Any) -> None:
        """Set another profile."""
        self.profile = profile
        self.refresh(layout=True)
        self.post_message(self.Changed())

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines(width))

    def render(self) -> Content:
        lines = [
            Content(" " * GAP).join([self._part(text, index) for text, index in line])
            for line in self._lines(self.size.width)
        ]
        return Content("\n").join(lines)

    def action_move(self, by: int) -> None:
        self._at = (self._at + by) % len(self._fields)
        self.refresh()

    def action_step(self, by: int) -> None:
        self.set(self._fields[self._at].step(self.profile, by))

    def action_run(self) -> None:
        self.post_message(self.RunAsked())

    def action_type(self) -> None:
        def entered(profile: Any | None) -> None:
            if profile is not None:
                self.set(profile)

        field, profile = self._fields[self._at], self.profile
        entry = TextEntry(field.name, field.text(profile), field.form, lambda text: field.set(profile, text))
        self.app.push_screen(entry, entered)

    def on_click(self, event: events.Click) -> None:
        """Select a field by a click, type its value by another; a click on the button runs."""
        place = event.get_content_offset_capture(self)
        line, x = self._lines(self.size.width)[place.y], 0
        for text, index in line:
            if x <= place.x < x + len(text):
                self._clicked(index)
            x += len(text) + GAP

    def _clicked(self, index: int | None) -> None:
        if index is None:
            self.action_run()
        elif 0 <= index == self._at:
            self.action_type()
        elif index >= 0:
            self._at = index
            self.refresh()

    def _lines(self, width: int) -> list[list[tuple[str, int | None]]]:
        """(text, number of its field) filled into lines; None is the button."""
        parts: list[tuple[str, int | None]] = [(self._title, TITLE_PART)]
        if self._recorded is not None:
            return [[*parts, (self._recorded, RECORDED_PART)]]
        parts += [(field.label.format(self._value(field)), index) for index, field in enumerate(self._fields)]
        parts.append((self._button, None))
        lines: list[list[tuple[str, int | None]]] = [[]]
        for part in parts:
            if lines[-1] and sum(len(text) + GAP for text, _ in lines[-1]) + len(part[0]) > width:
                lines.append([])
            lines[-1].append(part)
        return lines

    def _value(self, field: Field) -> str:
        return printable(field.text(self.profile)[:MOST_SHOWN])

    def _part(self, text: str, index: int | None) -> Content:
        if index is None:
            return Content.styled(text, "bold $accent")
        if index < 0:
            return Content.styled(text, "bold" if index == TITLE_PART else MUTED)
        field = self._fields[index]
        value = self._value(field)
        before, _, after = field.label.partition("{}")
        chosen = self.has_focus and index == self._at
        return Content.assemble(
            (before, MUTED),
            (value, "bold reverse $accent" if chosen else "bold"),
            (after, MUTED),
        )
