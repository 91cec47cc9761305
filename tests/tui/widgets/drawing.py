"""The board's lines as plain text, without an app."""

from __future__ import annotations

from textual.color import Color

from playground.theme import Meanings, load_theme
from playground.tui.board.model import BoardModel
from playground.tui.board.viewport import Viewport
from playground.tui.widgets.board.cells import LETTER_EVERY, CellStyles
from playground.tui.widgets.board.lines import BoardLines

STYLES = CellStyles(Meanings.from_variables(load_theme("dark").variables), Color.parse("black"), Color.parse("white"))


def lines(
    view: Viewport, width: int, height: int, every: int = LETTER_EVERY, focused: bool = False, alone: bool = False
) -> list[str]:
    """Header and slots as on the screen, each exactly `width` cells."""
    board = BoardLines(view, "Batch")
    board.fit(width, height, alone)
    strips = [board.line(y, STYLES, every, focused) for y in range(height)]
    assert {strip.cell_length for strip in strips} == {width}
    assert all(sum(segment.cell_length for segment in strip) == width for strip in strips)
    return [strip.text for strip in strips]


def rows(model: BoardModel, width: int = 40, zoom: int = 1, every: int = LETTER_EVERY) -> list[str]:
    """The slots alone, without their numbers and without the empty end."""
    view = Viewport(model)
    view.zoom = zoom
    return [line[3:].rstrip() for line in lines(view, width, 1 + len(model.runs), every)[1:]]
