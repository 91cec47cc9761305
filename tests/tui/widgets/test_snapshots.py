"""Pictures of the panels at two sizes, under every theme, and without colour."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from playground.theme import theme_names
from playground.tui.widgets.board.board import BatchBoard
from tests.tui.widgets.panels_app import PanelsApp


@pytest.mark.parametrize("theme", theme_names())
def test_full(snap_compare: Any, theme: str) -> None:
    assert snap_compare(PanelsApp(theme), terminal_size=(100, 30))


def test_narrow(snap_compare: Any) -> None:
    assert snap_compare(PanelsApp(narrow=True), terminal_size=(80, 24))


def test_without_colour(snap_compare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(PanelsApp(), terminal_size=(100, 30))


def test_cursor(snap_compare: Any) -> None:
    async def look(pilot: Pilot[None]) -> None:
        pilot.app.query_one(BatchBoard).focus()
        await pilot.press("left", "left", "down")

    assert snap_compare(PanelsApp(), terminal_size=(100, 30), run_before=look)
