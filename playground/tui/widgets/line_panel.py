"""A panel of lines that redraws only the lines that change."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any, Self

from textual.content import Content
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.visual import Visual
from textual.widget import Widget


class LinePanel(Widget):
    """A subclass implements `lines`; call `show_lines` when its result may have changed."""

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self.auto_links = False  # there are none, and looking for them costs as much as a line
        self._drawn: list[Content] = []
        self._drawn_size = Size()

    def lines(self, width: int, height: int) -> list[Content]:
        """The lines for this size, from top to bottom."""
        raise NotImplementedError

    def show_lines(self) -> None:
        """Draw the lines that differ from before."""
        before, self._drawn, self._drawn_size = self._drawn, self.lines(*self.size), self.size
        pairs = enumerate(zip_longest(before, self._drawn))
        stale = [y for y, (old, new) in pairs if old is None or new is None or not old.is_same(new)]
        if stale:
            self.refresh(*(Region(0, y, self.size.width, 1) for y in stale))

    def refresh(self, *regions: Region, **how: bool) -> Self:
        if not regions:
            self._drawn_size = Size()  # a full refresh: the lines may have changed too
        return super().refresh(*regions, **how)

    def render(self) -> Content:
        return Content("\n").join(self.lines(*self.size))

    def render_line(self, y: int) -> Strip:
        if self.text_selection is not None:
            return super().render_line(y)
        if self._drawn_size != self.size:
            self._drawn, self._drawn_size = self.lines(*self.size), self.size
        if y >= len(self._drawn):
            return Strip.blank(self.size.width, self.visual_style.rich_style)
        strips = Visual.to_strips(self, self._drawn[y], self.size.width, 1, self.visual_style)
        return strips[0].apply_offsets(0, y)
