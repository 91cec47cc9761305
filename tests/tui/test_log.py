"""The log overlay: what an engine printed, and a file that cannot be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textual.widgets import Log

from playground.tui.app import PlaygroundApp
from playground.tui.screens.overlays.log import LogScreen
from tests.tui.cells import shown
from tests.tui.conftest import Wait


async def test_a_session_in_which_nothing_was_printed_leaves_no_log(opened: Any) -> None:
    async with opened() as (app, _):
        log = app.bridge.log
        assert log.exists()
    assert not log.exists()


async def test_what_was_printed_stays(opened: Any) -> None:
    async with opened() as (app, _):
        app.bridge.log.write_text("said")
    assert app.bridge.log.read_text() == "said"


async def test_brackets_in_its_path_are_no_markup(tmp_path: Path, until: Wait) -> None:
    path = tmp_path / "[b]x[/]" / "engine-1.log"
    app = PlaygroundApp(engine="scripted", replay=[], speed=0)
    async with app.run_test(size=(300, 20)) as pilot:
        app.push_screen(LogScreen(path))
        await until(pilot, lambda: f"engine-1.log  {path.parent}" in shown(app))
        assert "cannot be read: No such file or directory" in shown(app)


async def test_a_bar_that_draws_over_itself_has_a_line_for_each_state(tmp_path: Path, until: Wait) -> None:
    path = tmp_path / "engine.log"
    path.write_bytes(b"first\r\n  0%|\r 50%|\r100%|\nlast\n")
    app = PlaygroundApp(engine="scripted", replay=[], speed=0)
    async with app.run_test(size=(120, 20)) as pilot:
        app.push_screen(LogScreen(path))
        await until(pilot, lambda: "last" in shown(app))
        assert list(app.screen.query_one(Log).lines) == ["first", "  0%|", " 50%|", "100%|", "last", ""]


async def test_an_empty_log_says_that_nothing_was_printed_until_something_is(tmp_path: Path, until: Wait) -> None:
    path = tmp_path / "engine.log"
    path.touch()
    app = PlaygroundApp(engine="scripted", replay=[], speed=0)
    async with app.run_test(size=(120, 20)) as pilot:
        app.push_screen(LogScreen(path))
        await until(pilot, lambda: "the engine has printed nothing yet" in shown(app))
        path.write_text("hello\n")
        await until(pilot, lambda: "hello" in shown(app))
        assert "nothing yet" not in shown(app)
