"""Text fitted into a width."""

from __future__ import annotations

from itertools import accumulate

from rich.segment import Segment
from textual.content import Content
from textual.strip import Strip


def spread(left: Content, right: Content, width: int) -> Content:
    """`left` and `right` at the two ends of a line; what does not fit is cut from `right`, then from `left`."""
    room = width - left.cell_length
    if room <= 0:
        return left.truncate(width, ellipsis=True)
    right = right if right.cell_length < room else right.truncate(room, ellipsis=True)
    return Content.assemble(left, " " * (room - right.cell_length), right)


def leading_parts(text: str, separator: str, width: int) -> str:
    """As many leading parts of a text as fit, none of them cut."""
    lines = accumulate(text.split(separator), lambda line, part: line + separator + part)
    return next((line for line in reversed(list(lines)) if len(line) <= width), "")


def cut(strip: Strip, width: int) -> Strip:
    """At most `width` cells; … in the style of the end if text, not only blanks, is left out."""
    if len(strip.text.rstrip()) <= width:
        return strip
    kept = strip.crop(0, max(0, width - 1))
    return Strip([*kept, Segment("…", kept._segments[-1].style if kept._segments else None)])


def cell(text: str, width: int, right: bool = False) -> str:
    """Exactly `width` characters: cut with … or padded, on the left if it is aligned to the right."""
    cut = text if len(text) <= width else text[: width - 1] + "…"
    return cut.rjust(width) if right else cut.ljust(width)
