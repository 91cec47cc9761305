"""The panels of the Bench screen: results that are walked through, one suite in all of them, the plot alone."""

from __future__ import annotations

from textual.pilot import Pilot

from playground.bench.suites.suite import Row, SuiteProgress
from playground.bench.suites.table import SUITES
from playground.session.history.run import Run
from playground.tui.app import PlaygroundApp
from playground.tui.bench.driver import BenchView
from playground.tui.screens.bench import BenchScreen
from playground.tui.widgets.bench.figures import BenchFigures
from playground.tui.widgets.bench.results import BenchResults
from playground.tui.widgets.bench.suite_list import SuiteList
from playground.tui.widgets.key_bar import KeyBar
from playground.tui.widgets.scatter import Scatter
from tests.tui.conftest import Opened, Wait
from tests.tui.runs import keep

DETAIL = "349 tok/s  TTFT 17.1, p99 19.3 ms  TPOT 2.84, p99 3.10 ms  goodput 88 %"


async def bench(app: PlaygroundApp, pilot: Pilot[None], until: Wait) -> BenchScreen:
    await pilot.press("f5")
    await until(pilot, lambda: isinstance(app.screen, BenchScreen))
    assert isinstance(app.screen, BenchScreen)
    return app.screen


def ran(screen: BenchScreen, suite: str, rows: int) -> BenchView:
    """A suite as if it had run, `rows` results of it."""
    found = [Row(f"item {number}", "passed", 0.5, DETAIL) for number in range(rows)]
    view = BenchView(suite, "", SuiteProgress(rows, rows, 0.0, f"figure of {suite}"), found)
    screen._driver.view = screen._driver.views[suite] = view
    screen.show()
    return view


async def test_every_result_can_be_reached_and_is_read_to_its_end(opened: Opened, until: Wait) -> None:
    async with opened(size=(80, 24)) as (app, pilot):
        screen = await bench(app, pilot, until)
        results = screen.query_one(BenchResults)
        view = ran(screen, "code", 21)
        assert "item 20" in results.render().plain and "item 0 " not in results.render().plain
        assert "goodput 88 %" in " ".join(results.render().plain.split()), "a detail is wrapped, not cut"
        await pilot.press("tab")
        assert results.has_focus and "↑↓ Scroll" in screen.query_one(KeyBar).render().plain
        await pilot.press("home")
        assert "item 0 " in results.render().plain and "item 20" not in results.render().plain
        view.rows.append(Row("item 21", "passed", 0.5, ""))
        screen.show()
        assert "item 0 " in results.render().plain, "what is read does not move"
        await pilot.press("end")
        assert "item 21" in results.render().plain


async def test_all_panels_speak_of_the_suite_under_the_cursor(opened: Opened, until: Wait) -> None:
    keep([Run(at=1.0, kind="bench code", model="m", tps=9.0, quality=0.5, measure="pass@1", requests=8)])
    keep([Run(at=2.0, kind="bench speech", model="w", quality=0.1, measure="WER", requests=4)])
    async with opened() as (app, pilot):
        screen = await bench(app, pilot, until)
        ran(screen, "code", 3)
        suites, plot = screen.query_one(SuiteList), screen.query_one(Scatter)
        await until(pilot, lambda: "pass@1 × TPS" in plot.render().plain and "A m" in plot.render().plain)
        for suite in ("quality", "load", "attention", "tokenizer", "speech"):
            await pilot.press("down")
            assert suites.current == suite
            panels = [screen.query_one(BenchResults).render().plain, screen.query_one(BenchFigures).render().plain]
            assert not any("item" in text.replace("item   ", "") or "figure of" in text for text in panels), suite
            assert "pass@1" not in plot.render().plain, suite
            said = " ".join(plot.render().plain.split())
            assert SUITES[suite].measure or "judges no quality" in said
        assert "no run with WER has a value for TPS" in said


async def test_the_plot_alone_and_back_with_the_focus(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        screen = await bench(app, pilot, until)
        keys, suites = screen.query_one(KeyBar), screen.query_one(SuiteList)
        for back in ("z", "escape"):
            await pilot.press("z")
            await until(pilot, lambda: screen.focused is None)
            assert "Esc All panels" in keys.render().plain and "Tick" not in keys.render().plain
            await pilot.press(back)
            await until(pilot, lambda: suites.has_focus)
            await until(pilot, lambda: "Tick" in keys.render().plain)
