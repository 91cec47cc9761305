"""A `~name` that no user has is text like any other, wherever a path can be typed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textual.widgets import Input

from playground.config import Settings
from playground.tui.screens.overlays.model_picker import ModelPicker
from playground.tui.widgets.text_entry import TextEntry
from tests.tui.cells import shown
from tests.tui.conftest import Opened, Wait
from tests.tui.runs import keep, make_runs


async def test_a_prompt_may_begin_with_a_tilde(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        await pilot.press(*"~zz is it", "enter")
        await until(pilot, lambda: app.bridge.state.requests and not app.bridge.state.requests.unfinished)
        assert app.bridge.state.requests["r1"].prompt == "~zz is it"


async def test_a_model_there_is_missing(opened: Opened, until: Wait) -> None:
    async with opened(settings=Settings(model_folders=["~nobody-here/x"])) as (app, pilot):
        await pilot.press("ctrl+o")
        await until(pilot, lambda: isinstance(app.screen, ModelPicker))
        await pilot.press(*"~zz", "slash", "x", "enter")
        await until(pilot, lambda: "there is no ~zz/x" in shown(app))


async def test_an_export_there_says_why_not(opened: Opened, until: Wait, monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    keep(make_runs(1))
    async with opened() as (app, pilot):
        await pilot.press("f7")
        await until(pilot, lambda: "1 run" in shown(app))
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, TextEntry))
        app.screen.query_one(Input).value = "~zz/out.csv"
        await pilot.press("enter")
        await until(pilot, lambda: "~zz/out.csv" in shown(app) and "No such file" in shown(app))
