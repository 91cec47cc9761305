"""A frame is composed from changed widgets only; the terminal shows the same as after a full frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from rich.segment import Segment
from textual._compositor import ChopsUpdate, Compositor

from playground.tui.app import PlaygroundApp
from playground.tui.widgets.transcript import Transcript
from tests.tui.conftest import Opened

Cell = tuple[str, str]


class Terminal:
    """The cells of a terminal, written update by update."""

    def __init__(self) -> None:
        self.lines: list[list[Cell]] = []
        self.updates = 0

    def write(self, app: PlaygroundApp, update: object) -> None:
        """Take one frame."""
        if not isinstance(update, ChopsUpdate):
            self.lines = whole(app)
            for widget in app.screen.walk_children():
                widget._repaint_regions.clear()  # what a piece was asked of is drawn with the whole
            return
        self.updates += 1
        for y, left, right in update.spans:
            for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
                if x < right and end > left:
                    assert strip is not None, "something that changed was not drawn"
                    cells = _cells(strip.crop(0, min(end, right) - x))
                    self.lines[y][x : x + len(cells)] = cells


def whole(app: PlaygroundApp) -> list[list[Cell]]:
    """All cells, drawn at once by Textual's own compositor."""
    own = app.screen._compositor
    plain = Compositor()
    plain.__dict__.update({name: value for name, value in vars(own).items() if name != "_changed"})
    return [_cells(strip) for strip in plain.render_strips()]


def _cells(strip: Iterable[Segment]) -> list[Cell]:
    return [(letter, str(style.clear_meta_and_links()) if style else "") for text, style, _ in strip for letter in text]


def _settled(app: PlaygroundApp) -> bool:
    """Whether every visible widget that needed it was drawn."""
    visible = app.screen._compositor.visible_widgets
    return not any(widget._repaint_regions or widget._repaint_required for widget in visible)


async def test_pieces_add_up_to_the_whole_screen(
    opened: Opened, script: Callable[[Iterable[str]], str], until: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal, display = Terminal(), PlaygroundApp._display
    compared: list[bool] = []

    def watched(app: PlaygroundApp, screen: Any, update: object) -> None:
        display(app, screen, update)
        if update is not None and screen is app.screen:
            terminal.write(app, update)
            if _settled(app):
                compared.append(terminal.lines == whole(app))

    words = [f"word{number} " for number in range(400)]
    async with opened(script(words), max_tokens=400) as (app, pilot):
        monkeypatch.setattr(PlaygroundApp, "_display", watched)
        app.refresh()
        await pilot.press(*"hello", "enter")
        await until(pilot, lambda: app.bridge.state.status == "running")
        await until(pilot, lambda: app.bridge.state.status == "idle")
        app.screen.query_one(Transcript).focus()
        await pilot.press("pageup")
        await until(pilot, lambda: _settled(app))
        assert terminal.updates and compared
        assert all(compared)
