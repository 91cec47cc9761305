"""The conversation: draws the visible lines, and follows growing text unless scrolled away."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any, ClassVar

import msgspec
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from playground.protocol.events import RequestFinished
from playground.text import numbers
from playground.text.plain import one_line
from playground.tui.conversation.lines import MARGIN, Line, TranscriptLines, Voice
from playground.tui.letters import Letters
from playground.tui.state.changes import Changes
from playground.tui.state.request import RequestState

GROWING = "▌"
FOCUSED = "▌"
STRIPS_KEPT = 512
NO_BREAK = "\N{NO-BREAK SPACE}"


class Transcript(ScrollView, can_focus=True):
    """Text comes in bundles and is only appended; lines that are not visible cost nothing."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "transcript--title",
        "transcript--speaker",
        "transcript--user",
        "transcript--model",
        "transcript--note",
        "transcript--error",
        "transcript--growing",
        "transcript--draft",
    }

    def __init__(self, letters: Letters, **widget: Any) -> None:
        super().__init__(**widget)
        self._letters = letters
        self._lines = TranscriptLines()
        self._advice = ""
        self._strips: LRUCache[int, Strip] = LRUCache(STRIPS_KEPT)
        self._styles: dict[str, Style] = {}

    def advise(self, text: str) -> None:
        """Set what to show while the conversation is empty."""
        if text != self._advice:
            self._advice = text
            self._strips.clear()
            self.refresh()

    def show(self, changes: Changes) -> None:
        """Add what is new."""
        if changes.anew:
            self._lines = TranscriptLines(self._lines.width)
            self._show_from(0)
        if changes.forgotten:
            changes = self._forget(changes)
        first = before = self._lines.height
        for request in changes.started:
            self._lines.begin(request.request_id, self._letters[request.request_id], request.prompt, request.chat)
            self.anchor()
        for request_id, texts in changes.texts.items():
            changed = self._lines.append(request_id, "".join(texts), changes.drafts.get(request_id, ()))
            first = first if changed is None else min(first, changed)
        for request in changes.finished:
            self._lines.end(request.request_id, *_ending(request))
            first = 0
        if changes.started or changes.finished:
            self._show_from(first)
        elif changes.texts:
            self._show_from(first, max(before, self._lines.height))

    def _forget(self, changes: Changes) -> Changes:
        """Clear the conversation that a replay leaves behind; returns the changes without it."""
        begun = {request.request_id for request in changes.started}
        for request in changes.finished:
            if request.request_id in changes.forgotten - begun:
                self._lines.end(request.request_id, *_ending(request))
        self.clear()
        return msgspec.structs.replace(
            changes,
            started=[each for each in changes.started if each.request_id not in changes.forgotten],
            texts={name: texts for name, texts in changes.texts.items() if name not in changes.forgotten},
            finished=[each for each in changes.finished if each.request_id not in changes.forgotten],
        )

    def clear(self) -> None:
        """Clear the conversation; answers that still grow stay."""
        self._lines.clear()
        self._show_from(0)
        self.anchor()

    def on_mount(self) -> None:
        """Stay at the end while text grows, until scrolled away."""
        self.anchor()

    def on_resize(self, event: events.Resize) -> None:
        width = self.scrollable_content_region.width
        if width != self._lines.width:
            self._lines.rewrap(width)
        self._show_from(0)
        self.refresh(layout=True)  # the anchor used the previous height

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        lines = [self._lines.line(y) for y in range(self._lines.height)]
        return selection.extract("\n".join(line.text if line else "" for line in lines)), "\n"

    @property
    def allow_select(self) -> bool:
        return True

    def on_focus(self) -> None:
        self._strips.clear()

    def on_blur(self) -> None:
        self._strips.clear()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw from strips kept by line of the text, gutter included: text that only scrolls is not drawn again."""
        top, background = int(self.scroll_offset.y), self.background_colors[1]
        strips = [self._kept(top + y) for y in crop.line_range]
        for each in self.get_line_filters():
            strips = [strip.apply_filter(each, background) for strip in strips]
        whole = crop.column_span == (0, self.outer_size.width)
        return strips if whole else [strip.crop(crop.x, crop.right) for strip in strips]

    def render_line(self, y: int) -> Strip:
        """The text without its border, as Textual needs it to find what is under the pointer."""
        return Strip(self._content(y + int(self.scroll_offset.y), self._style()))

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.clear()
        self._styles.clear()

    def selection_updated(self, selection: Selection | None) -> None:
        self._strips.clear()
        self.refresh()

    def _kept(self, y: int) -> Strip:
        if (strip := self._strips.get(y)) is None:
            strip = self._strips[y] = self._framed(y, self._style())
        return strip

    def _framed(self, y: int, style: Style) -> Strip:
        """A line with the border and padding of its styles."""
        border = Style(color=self.styles.border_left[1].rich_color, bgcolor=style.bgcolor)
        mark, space = Segment(FOCUSED if self.has_focus else " ", border), Segment(" ", Style(bgcolor=style.bgcolor))
        return Strip([mark, space, *self._content(y, style), space], self.outer_size.width)

    def _content(self, y: int, style: Style) -> Iterable[Segment]:
        draw = self._draw if self._lines.blocks else self._draw_advice
        return draw(y, self.size.width, style)

    def _draw_advice(self, y: int, width: int, style: Style) -> Iterable[Segment]:
        lines = self._advice.split("\n")
        words = lines[y - 1] if 0 < y <= len(lines) else ""
        return self._strip([Segment(f"  {words}", style + self._style("note"))], width, style)

    def _draw(self, y: int, width: int, style: Style) -> Iterable[Segment]:
        line = self._lines.line(y)
        if line is None:
            return [Segment(" " * width, style)]
        return [*self._margin(line, style), *self._text(line, y, width - MARGIN, style)]

    def _text(self, line: Line, y: int, width: int, style: Style) -> Strip:
        segments = self._segments(line, style + self._style(line.block.voice))
        if line.block.open and line.last:
            segments.append(Segment(GROWING, style + self._style("growing")))
        strip = self._strip(segments, width, style)
        if (selection := self.text_selection) and (span := selection.get_span(y)):
            start, end = span
            cells = [start, strip.cell_length if end == -1 else end]
            before, chosen, after = strip.divide([*cells, strip.cell_length])
            colour = self.screen.get_component_rich_style("screen--selection").bgcolor
            chosen = Strip(Segment.apply_style(chosen, post_style=Style(bgcolor=colour)), chosen.cell_length)
            strip = Strip.join([before, chosen, after])
        return strip.simplify().apply_offsets(0, y)

    def _segments(self, line: Line, style: Style) -> list[Segment]:
        """The text, with that of accepted drafts in their colour."""
        if not line.marks.strip():
            return [Segment(line.text, style)]
        draft, segments, at = style + self._style("draft"), [], 0
        for mark, same in groupby(line.marks.ljust(len(line.text))):
            end = at + len(list(same))
            segments.append(Segment(line.text[at:end], style if mark == " " else draft))
            at = end
        return segments

    def _margin(self, line: Line, style: Style) -> list[Segment]:
        block, speaker_style = line.block, style + self._style("speaker")
        if not line.first:
            return [Segment(" " * MARGIN, style)]
        letter = block.letter
        if letter is None:
            return [Segment(f"   {block.speaker}".ljust(MARGIN), speaker_style)]
        colour = Style.parse(f"bold {self.app.theme_variables[f'request-{letter.colour}']}")
        return [
            Segment(f"{letter.text:<2} "[:3], style + colour),
            Segment(block.speaker.ljust(MARGIN - 3), speaker_style),
        ]

    def _style(self, part: str = "") -> Style:
        """The style of the transcript, or of a part of it; kept, since every drawn line needs it."""
        if part not in self._styles:
            name = f"transcript--{part}"
            self._styles[part] = self.get_component_rich_style(name, partial=True) if part else self.rich_style
        return self._styles[part]

    def _strip(self, segments: list[Segment], width: int, style: Style) -> Strip:
        return Strip(segments).adjust_cell_length(width, style)

    def _show_from(self, first: int, end: int | None = None) -> None:
        """Redraw the lines from `first` to before `end`, by default to the last visible one."""
        for y in [y for y in self._strips.keys() if y >= first]:  # noqa: SIM118 the cache cannot be iterated over
            self._strips.discard(y)
        size = Size(self._lines.width, self._lines.height)
        if size != self.virtual_size:
            following = self.is_vertical_scroll_end
            # No layout of the screen: text grows inside its own window, and nothing else moves.
            self.set_reactive(ScrollView.virtual_size, size)
            if following:
                self.scroll_target_y = self.scroll_y = self.max_scroll_y
        top, gutter = int(self.scroll_offset.y), self.styles.gutter.left
        bottom = top + self.size.height if end is None else min(end, top + self.size.height)
        if (first := max(top, first)) < bottom:  # as wide as the widget, or a part of a line would be cut out
            self.refresh(Region(-gutter, first - top, self.outer_size.width, bottom - first))


def _ending(request: RequestState) -> tuple[Voice, str]:
    """The voice and text of the line below an answer."""
    finished = request.finished
    assert isinstance(finished, RequestFinished)
    if finished.reason == "error":
        return "error", one_line(finished.message or "the request failed", 300)
    metrics = finished.metrics
    words = {"stop": "end", "length": "length limit", "abort": one_line(finished.message, 100) or "stopped"}
    tokens = f"{numbers.count(metrics.output_tokens)} token" + "s" * (metrics.output_tokens != 1)
    if metrics.chunks and not metrics.output_tokens:
        tokens = f"{numbers.count(metrics.chunks)} chunks, tokens not told"
    rate = f"· {numbers.rate(metrics.decode_tps, 'tok/s')}".replace(" ", NO_BREAK)  # it wraps as a whole
    return "note", f"{words[finished.reason]} · {tokens} {rate}"
