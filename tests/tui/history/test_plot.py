"""The plot of the History screen: alone and back, its letters, and the point of the run under the cursor."""

from __future__ import annotations

from textual.pilot import Pilot
from textual.widgets import Input

from playground.tui.app import PlaygroundApp
from playground.tui.widgets.key_bar import KeyBar
from playground.tui.widgets.run_table import RunTable
from playground.tui.widgets.scatter import Scatter
from tests.tui.conftest import Opened, Wait
from tests.tui.runs import keep, make_runs


async def history(app: PlaygroundApp, pilot: Pilot[None], until: Wait) -> RunTable:
    await pilot.press("f7")
    await until(pilot, lambda: app.screen.query(RunTable) and app.screen.query_one(RunTable).list.current)
    await until(pilot, lambda: "best" in app.screen.query_one(Scatter).render().plain)
    return app.screen.query_one(RunTable)


async def test_the_plot_alone_and_back_with_the_focus(opened: Opened, until: Wait) -> None:
    keep(make_runs(30))
    async with opened() as (app, pilot):
        table = await history(app, pilot, until)
        keys = app.screen.query_one(KeyBar)
        await pilot.press("space")
        for back in ("z", "escape"):
            await pilot.press("z")
            await until(pilot, lambda: app.screen.focused is None)
            assert "Esc All panels" in keys.render().plain and "Rerun" not in keys.render().plain
            await pilot.press(back)
            await until(pilot, lambda: table.has_focus and table.display)
            await until(pilot, lambda: "Rerun" in keys.render().plain)
        assert table.list.marked, "Esc brought the panels back and took no mark away"
        await pilot.press("z", "slash")
        await until(pilot, lambda: isinstance(app.screen.focused, Input))


async def test_esc_brings_the_panels_back_in_a_replay(until: Wait) -> None:
    keep(make_runs(30))
    app = PlaygroundApp(engine="scripted", replay=[], speed=0)
    async with app.run_test(size=(120, 40)) as pilot:
        table = await history(app, pilot, until)
        await pilot.press("z", "escape")
        await until(pilot, lambda: table.has_focus)


async def test_letters_have_their_models_and_the_cursor_its_point(opened: Opened, until: Wait) -> None:
    keep(make_runs(30))
    async with opened(size=(200, 60)) as (app, pilot):
        table = await history(app, pilot, until)
        plot = app.screen.query_one(Scatter)
        assert "A Qwen3-0.6B  B SmolLM2-360M  C tiny-coder" in plot.render().plain
        for _ in range(3):
            run = table.list.current
            assert run and plot.render().plain.count("●") == 1 and f"{run.model} " in plot.render().plain
            await pilot.press("down")
