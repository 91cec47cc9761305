"""Big digits of half blocks: a 3 x 5 grid of dots per digit, two dots per row of text. Pure."""

from __future__ import annotations

FONT = {
    "0": "### #.# #.# #.# ###",
    "1": ".#. ##. .#. .#. ###",
    "2": "### ..# ### #.. ###",
    "3": "### ..# .## ..# ###",
    "4": "#.# #.# ### ..# ..#",
    "5": "### #.. ### ..# ###",
    "6": "### #.. ### #.# ###",
    "7": "### ..# ..# .#. .#.",
    "8": "### #.# ### #.# ###",
    "9": "### #.# ### ..# ###",
    "–": "... ... ### ... ...",
    "k": "#.. #.# ##. #.# #.#",
    ".": ".. .. .. .. o.",
}
HALVES = {"..": " ", "#.": "▀", ".#": "▄", "##": "█", "o.": "▝"}
DOUBLE = {".": "  ", "#": "██", "o": " █"}


def big_digits(text: str) -> tuple[str, ...]:
    """Three lines of equal width for digits, the point, k and –; other characters raise KeyError."""
    lines = _dots(text)
    return tuple(
        "".join(HALVES[upper + lower] for upper, lower in zip(*pair, strict=True))
        for pair in zip(lines[::2], lines[1::2], strict=True)
    )


def bigger_digits(text: str) -> tuple[str, ...]:
    """Big digits twice as large, for lecture rooms: five lines."""
    return tuple("".join(DOUBLE[dot] for dot in line) for line in _dots(text)[:5])


def _dots(text: str) -> list[str]:
    """Six rows of dots, the last one empty; `o` is half a dot wide, so that the point needs no gap next to it."""
    rows = [""] * 5
    for index, character in enumerate(text):
        gap = "." if index and "." not in text[index - 1 : index + 1] else ""
        rows = [row + gap + part for row, part in zip(rows, FONT[character].split(), strict=True)]
    return [*rows, "." * len(rows[0])]
