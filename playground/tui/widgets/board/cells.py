"""The look of the board's cells: turns pieces of a slot into text and styles. Readable without colour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from rich.segment import Segment
from rich.style import Style
from textual.color import BLACK, WHITE, Color

from playground.theme import Meanings
from playground.tui.board.columns import Mark, Piece
from playground.tui.board.model import Kind
from playground.tui.letters import Letter, Letters

GLYPHS: dict[Kind, str] = {"prefill": "▒", "decode": "█", "draft": "▓", "held": "·"}
MARKS: dict[Mark, str] = {"end": "┤", "preempted": "!", "several": "+"}
MERGED_LEGEND = "  ".join(f"{glyph}{name}" for name, glyph in (GLYPHS | MARKS).items())
LEGEND = MERGED_LEGEND.removesuffix(f"  {MARKS['several']}several")  # where a column is one step
LETTER_EVERY, LETTER_EVERY_WITHOUT_COLOUR = 24, 6
NEAR = 3
TINT = 0.3


class CellStyles:
    """The styles of cells in one theme: phases in their own colour on a tint of the request's."""

    def __init__(self, meanings: Meanings, background: Color, foreground: Color) -> None:
        self._meanings, self._background, self._foreground = meanings, background, foreground

    @cached_property
    def empty(self) -> Style:
        return Style(bgcolor=self._background.rich_color)

    @cached_property
    def faint(self) -> Style:
        return self._on(self._meanings.waiting, self._background)

    @cached_property
    def text(self) -> Style:
        return Style(color=self._foreground.rich_color, bgcolor=self._background.rich_color)

    @cached_property
    def title(self) -> Style:
        return self.text + Style(bold=True)

    @cached_property
    def alert(self) -> Style:
        return self._on(self._meanings.held, self._background)

    @cached_property
    def several(self) -> Style:
        return Style(color=self._background.rich_color, bgcolor=self._foreground.rich_color, bold=True)

    @cached_property
    def preempted(self) -> Style:
        return self._letter(Color.parse(self._meanings.preempted))

    @cached_property
    def letters(self) -> list[Style]:
        """A letter on its request's colour."""
        return [self._letter(Color.parse(colour)) for colour in self._meanings.requests]

    @cached_property
    def ends(self) -> list[Style]:
        """The end mark in the request's colour."""
        return [self._on(colour, self._background) + Style(bold=True) for colour in self._meanings.requests]

    @cached_property
    def kinds(self) -> dict[Kind, list[Style]]:
        """Styles by kind, then by the request's colour."""
        requests = [Color.parse(colour) for colour in self._meanings.requests]
        tints = [self._background.blend(colour, TINT) for colour in requests]
        return {
            "prefill": [self._on(self._meanings.prefill, tint) for tint in tints],
            "decode": [Style(color=colour.rich_color, bgcolor=self._background.rich_color) for colour in requests],
            "draft": [self._on(self._meanings.draft, tint) for tint in tints],
            "held": [self._on(self._meanings.held, tint) for tint in tints],
        }

    def of(self, piece: Piece, letter: Letter) -> Style:
        """The style of a piece's glyph."""
        if piece.mark == "several":
            return self.several
        if piece.mark == "preempted":
            return self.preempted
        return self.ends[letter.colour] if piece.mark == "end" else self.kinds[piece.kind][letter.colour]

    def _on(self, colour: str, background: Color) -> Style:
        return Style(color=Color.parse(colour).rich_color, bgcolor=background.rich_color)

    def _letter(self, colour: Color) -> Style:
        # The brightness at which black and white contrast alike (WCAG 2); Textual turns to black only at 0.5.
        ink = BLACK if colour.brightness > 0.45 else WHITE
        return Style(color=ink.rich_color, bgcolor=colour.rich_color, bold=True)


class Row:
    """Draws the columns `first` to before `end` of one slot, with the request's letter in every `every` columns."""

    def __init__(self, letters: Letters, styles: CellStyles, first: int, end: int, every: int = LETTER_EVERY) -> None:
        self._letters, self._styles, self._every = letters, styles, every
        self._at, self._end = first, end
        self._lettered = first - NEAR
        self._rest = (first, "", "")  # a letter, or its end, that stands here if the request goes on

    def draw(self, pieces: Iterable[Piece]) -> Iterator[Segment]:
        """Segments with exactly as many cells as there are columns."""
        shown = list(pieces)
        for index, piece in enumerate(shown):
            yield from self._piece(piece, shown[index + 1 : index + 3])
        yield from self._fill(self._end)

    def _piece(self, piece: Piece, following: Sequence[Piece]) -> Iterator[Segment]:
        end = min(piece.end, self._end)
        if end <= self._at:
            return
        yield from self._fill(piece.first)
        letter = self._letters[piece.request_id]
        if piece.mark == "start":
            self._rest = (self._at, piece.request_id, letter.text)
        rest = self._rest[2] if self._rest[:2] == (self._at, piece.request_id) else ""
        if _letter_comes_late(piece, following, len(letter.text)):
            yield Segment(GLYPHS["prefill"], self._styles.kinds["prefill"][letter.colour])
            self._at += 1
        elif piece.mark and piece.mark != "start":
            yield self._mark(piece, letter)
        else:
            if beginning := rest[: end - self._at]:
                yield self._letter(letter, beginning)
                self._lettered = piece.first - (not piece.mark)  # where its request starts
            yield from self._cells(piece, letter, end)
            rest = rest[end - piece.first :]
        self._rest = (self._at, piece.request_id, rest)

    def _fill(self, column: int) -> Iterator[Segment]:
        """Empty cells up to a column."""
        if column > self._at:
            yield Segment(" " * (column - self._at), self._styles.empty)
            self._at = column

    def _mark(self, piece: Piece, letter: Letter) -> Segment:
        self._at += 1
        return Segment(MARKS[piece.mark], self._styles.of(piece, letter))

    def _letter(self, letter: Letter, text: str) -> Segment:
        self._lettered = self._at
        self._at += len(text)
        return Segment(text, self._styles.letters[letter.colour])

    def _cells(self, piece: Piece, letter: Letter, end: int) -> Iterator[Segment]:
        style, glyph = self._styles.of(piece, letter), GLYPHS[piece.kind]
        while (column := self._next_letter()) <= end - len(letter.text):
            yield Segment(glyph * (column - self._at), style)
            self._at = column
            again = self._letter(letter, letter.text)
            yield Segment(letter.text, style) if piece.kind == "held" else again
        yield Segment(glyph * (end - self._at), style)
        self._at = end

    def _next_letter(self) -> int:
        """The column of the next letter. Columns are fixed, so that letters scroll with their request."""
        earliest = max(self._at, self._lettered + NEAR)
        return earliest + (self._every // 2 - earliest) % self._every


def _letter_comes_late(piece: Piece, following: Sequence[Piece], width: int) -> bool:
    """Whether a start is a prefill of one column, which the letter would hide, and the `width` columns after it are
    its request's too: then the letter stands there."""
    if piece.mark != "start" or piece.kind != "prefill" or not following or following[0].kind == "prefill":
        return False
    end = piece.end
    for each in following:
        if each.first == end and each.request_id == piece.request_id and not each.mark:
            end = each.end
    return end - piece.end >= width
