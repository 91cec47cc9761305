"""Panels of the Playground screen: one alone, how it is left, and larger numbers."""

from __future__ import annotations

from playground.preset import Preset, View
from playground.tui.app import PlaygroundApp
from playground.tui.widgets.prompt import Prompt
from playground.tui.widgets.speed.panel import SpeedPanel
from tests.tui.cells import shown
from tests.tui.conftest import Opened, Script, Wait

WORDS = ["word "] * 2000


async def test_a_panel_fills_the_screen_and_gives_it_back(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        await pilot.press("ctrl+g", "z")
        await until(pilot, lambda: app.screen.query_one("#toggles").size.width > 100)
        assert not app.screen.query_one("#batch").display
        assert "Esc All panels" in shown(app)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen.query_one("#batch").display)
        assert "All panels" not in shown(app)


async def test_a_lecture_has_larger_numbers(until: Wait) -> None:
    preset = Preset(title="", summary="", view=View(big_numbers=True))
    app = PlaygroundApp(engine="scripted", preset=preset)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.query(SpeedPanel))
        assert app.screen.query_one(SpeedPanel).size.height == 12


async def test_a_panel_that_a_preset_maximized_is_left_from_the_prompt(until: Wait) -> None:
    preset = Preset(title="", summary="", view=View(maximized="memory"))
    app = PlaygroundApp(engine="scripted", preset=preset)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "Esc All panels" in shown(app) and app.bridge.state.status == "idle")
        await pilot.press("x", "escape")
        await until(pilot, lambda: "Toggles" in shown(app) and "All panels" not in shown(app))
        assert app.screen.query_one(Prompt).text == "x"


async def test_a_panel_alone_says_how_it_is_left_while_esc_stops_what_runs(
    opened: Opened, script: Script, until: Wait
) -> None:
    async with opened(script(WORDS), max_tokens=2000) as (app, pilot):
        await pilot.press("x", "enter")
        await until(pilot, lambda: app.bridge.state.requests.unfinished)
        app.screen.query_one("#batch").focus()
        await pilot.press("z")
        await until(pilot, lambda: "Esc Stop" in shown(app) and "z All panels" in shown(app))
        await pilot.press("z")
        await until(pilot, lambda: "All panels" not in shown(app))
        assert app.bridge.state.requests.unfinished
