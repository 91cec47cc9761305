"""A progress bar in a line of text."""

from __future__ import annotations

from textual.content import Content

from playground.tui.styles import MUTED

WIDTH = 24


def progress_bar(share: float, width: int = WIDTH, rest: tuple[str, str] = ("╌", MUTED)) -> Content:
    """A bar of `width` cells with `share` (0 to 1) of it filled; `rest` is the glyph and style of the other cells."""
    filled = round(width * min(1.0, share))
    glyph, style = rest
    return Content.assemble(("━" * filled, "$accent"), (glyph * (width - filled), style))
