"""Wraps text to a width in terminal cells, incrementally as text is appended. The text itself never changes."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, get_character_cell_size

TAB = "    "
MARK = "▓"
Span = tuple[int, int]


class WrappedText:
    """`lines` are the wrapped lines. Appending costs time for the new text alone.

    `marks`: for each line, `MARK` under every letter that lies in a marked span; an empty string where none does.
    """

    def __init__(self, text: str = "", width: int = 80) -> None:
        self.lines: list[str] = [""]
        self.marks: list[str] = [""]
        self._spans: list[Span] = []
        self._length = 0
        self._pieces: list[str] = []
        self._width = max(1, width)
        if text:
            self.append(text)

    @property
    def text(self) -> str:
        """The whole text, not wrapped."""
        return "".join(self._pieces)

    def append(self, text: str, spans: Sequence[Span] = ()) -> int:
        """Append text, with spans of it to mark; returns the first line that changed."""
        self._pieces.append(text)
        self._spans += [(self._length + start, self._length + end) for start, end in spans]
        self._length += len(text)
        first = len(self.lines) - 1
        self._extend(text, _marks(len(text), spans))
        return first

    def rewrap(self, width: int) -> None:
        """Wrap to another width."""
        if max(1, width) != self._width:
            self._width, self.lines, self.marks = max(1, width), [""], [""]
            self._pieces = [self.text]
            self._extend(self._pieces[0], _marks(len(self._pieces[0]), self._spans))

    def trim(self) -> None:
        """Remove empty lines at the end."""
        self._pieces = [self.text.rstrip()]
        while len(self.lines) > 1 and not self.lines[-1].strip():
            self.lines.pop()
            self.marks.pop()

    def _extend(self, text: str, marks: str) -> None:
        """Wrap the last line again. Earlier breaks stay, since each word goes to the first line that it fits."""
        if marks and "\t" in text:
            marks = "".join(
                mark * (len(TAB) if letter == "\t" else 1) for letter, mark in zip(text, marks, strict=True)
            )
        at = 0
        for index, part in enumerate(text.replace("\t", TAB).split("\n")):
            start, marked = ("", "") if index else (self.lines.pop(), self.marks.pop())
            wrapped = wrap_line(start + part, self._width)
            if marked or marks:
                marked = marked.ljust(len(start)) + marks[at : at + len(part)].ljust(len(part))
            self.lines += wrapped
            self.marks += _cut(marked, start + part, wrapped) if marked.strip() else [""] * len(wrapped)
            at += len(part) + 1


def _marks(length: int, spans: Sequence[Span]) -> str:
    """`MARK` for each letter in a span, a space for each other one; empty without spans."""
    marks = ""
    for start, end in spans:
        marks = marks.ljust(start) + MARK * (min(end, length) - start)
    return marks.ljust(length) if marks else ""


def _cut(marks: str, line: str, wrapped: Sequence[str]) -> list[str]:
    """Cut the marks of one line where the line was wrapped; a break removes the space at it."""
    cut, at = [], 0
    for part in wrapped:
        cut.append(marks[at : at + len(part)])
        at += len(part)
        at += line[at : at + 1] == " "
    return cut


def wrap_line(line: str, width: int) -> list[str]:
    """Break one line after spaces, or within a word longer than the width; a break removes one space."""
    lines = []
    while len(line) > width or cell_len(line) > width:
        end = _fitting(line, width)
        if line[end] == " ":
            lines.append(line[:end])
            line = line[end + 1 :]
            continue
        space = line.rfind(" ", 0, end) + 1
        end = space if line[:space].strip() else end
        lines.append(line[:end])
        line = line[end:]
    return [*lines, line]


def _fitting(line: str, width: int) -> int:
    """How many letters of a line that is too long fit; at least one."""
    head = line[: width + 1]
    if head.isascii():
        return width
    cells = 0
    for index, letter in enumerate(line):
        cells += get_character_cell_size(letter)
        if cells > width:
            return max(1, index)
    return len(line) - 1
