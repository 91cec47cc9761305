"""The log overlay: what an engine printed, and a file that cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from playground.tui.app import PlaygroundApp
from playground.tui.screens.overlays.log import LogScreen
from tests.tui.cells import shown

Wait = Callable[..., Any]


async def test_brackets_in_its_path_are_no_markup(tmp_path: Path, until: Wait) -> None:
    path = tmp_path / "[b]x[/]" / "engine-1.log"
    app = PlaygroundApp(engine="scripted", replay=[], speed=0)
    async with app.run_test(size=(300, 20)) as pilot:
        app.push_screen(LogScreen(path))
        await until(pilot, lambda: f"engine-1.log  {path.parent}" in shown(app))
        assert "cannot be read: No such file or directory" in shown(app)
