"""Wraps text to a width in terminal cells, and goes on doing so as text is appended. Text is never changed."""

from __future__ import annotations

from rich.cells import cell_len, get_character_cell_size

TAB = "    "


class WrappedText:
    """`lines` are what is drawn; appending costs what is appended, not what is there already."""

    def __init__(self, text: str = "", width: int = 80) -> None:
        self.lines: list[str] = [""]
        self._pieces: list[str] = []
        self._width = max(1, width)
        if text:
            self.append(text)

    @property
    def text(self) -> str:
        """All of it, as it was given."""
        return "".join(self._pieces)

    def append(self, text: str) -> int:
        """Add text at the end; returns the first line that is not as it was."""
        self._pieces.append(text)
        first = len(self.lines) - 1
        self._extend(text)
        return first

    def rewrap(self, width: int) -> None:
        """Wrap to another width."""
        if max(1, width) != self._width:
            self._width, self.lines = max(1, width), [""]
            self._pieces = [self.text]
            self._extend(self._pieces[0])

    def trim(self) -> None:
        """Take empty lines away at the end, where nothing more comes."""
        self._pieces = [self.text.rstrip()]
        while len(self.lines) > 1 and not self.lines[-1].strip():
            self.lines.pop()

    def _extend(self, text: str) -> None:
        """Breaks before the last line stand, since words go where they fit first; only that line is wrapped again."""
        for index, part in enumerate(text.replace("\t", TAB).split("\n")):
            start = "" if index else self.lines.pop()
            self.lines += wrap_line(start + part, self._width)


def wrap_line(line: str, width: int) -> list[str]:
    """Break one line after spaces, or anywhere where a word is longer than the width; a break takes one space."""
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
    """How many letters of a line that is too long fit; one at least."""
    head = line[: width + 1]
    if head.isascii():
        return width
    cells = 0
    for index, letter in enumerate(line):
        cells += get_character_cell_size(letter)
        if cells > width:
            return max(1, index)
    return len(line) - 1
