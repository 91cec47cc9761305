"""The Bench screen: a suite on the bundled model in an engine of its own, stopped, refused, plotted, exported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from textual.widgets import Input, Static

from playground.bench.sandbox.confinement import NoSandbox, find_confinement
from playground.bench.suites.suite import SuiteProgress
from playground.session.history.run import Run
from playground.tui.app import PlaygroundApp
from playground.tui.bench.driver import BenchDriver, BenchView
from playground.tui.bench.pareto import pareto
from playground.tui.screens.bench import BenchScreen
from playground.tui.session import NotNow
from playground.tui.widgets.bench.figures import BenchFigures
from playground.tui.widgets.bench.results import BenchResults
from playground.tui.widgets.bench.suite_list import SuiteList
from playground.tui.widgets.notice import Notice
from playground.tui.widgets.scatter import Scatter
from playground.tui.widgets.text_entry import TextEntry
from tests.tui.runs import keep, kept, make_runs

LOADING_S = 120.0


@pytest.fixture(scope="module", autouse=True)
def confined():
    """Skip without a sandbox: code written by the model is run."""
    try:
        find_confinement()
    except NoSandbox as error:
        pytest.skip(f"no sandbox: {error}")


def said(app: PlaygroundApp) -> str:
    return app.screen.query_one(Notice).render().plain


@pytest.mark.slow
async def test_a_suite_runs_on_the_bundled_model_and_is_kept(until, tmp_path: Path):
    """The whole way: engine, batch, sandbox, verdicts, figures, plot, history, export; prompts wait meanwhile."""
    app = PlaygroundApp(engine="transformers")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.bridge.state.facts, LOADING_S)
        app.session.switch("kv_cache", "int8")
        await until(pilot, lambda: app.bridge.state.toggles.requested.kv_cache == "int8")
        await pilot.press("f5")
        await until(pilot, lambda: isinstance(app.screen, BenchScreen))
        assert "two copies of the model" in str(app.screen.query_one("#under", Static).render())
        await pilot.press("r")
        await until(pilot, lambda: app.bridge.state.benching)
        assert app.bridge.state.status == "running"
        await pilot.press("f2", *"add", "enter")
        await until(pilot, lambda: "a benchmark runs" in said(app))
        assert not app.bridge.state.requests
        await pilot.press("f5")
        results = app.screen.query_one(BenchResults)
        await until(pilot, lambda: results.render().plain.count("playground/") >= 1, LOADING_S)
        await until(pilot, lambda: not app.bridge.state.benching, LOADING_S)
        await until(pilot, lambda: "n 8" in app.screen.query_one(Scatter).render().plain)
        assert results.render().plain.count("playground/") == 8 and "8 of 8" in results.render().plain
        figures = app.screen.query_one(BenchFigures).render().plain
        assert "pass@1" in figures and "KV cache int8" in figures and "– tok/s" not in figures
        assert "KV cache int8" in app.screen.query_one(Scatter).render().plain
        assert "about" in app.screen.query_one(SuiteList).render().plain
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, TextEntry))
        app.screen.query_one(Input).value = str(tmp_path / "out.html")
        await pilot.press("enter")
        await until(pilot, lambda: (tmp_path / "out.html").exists())
    (run,) = kept("kind:bench")
    assert (run.kind, run.model, run.measure, run.requests) == ("bench code", "tiny-coder", "pass@1", 8)
    assert run.options == {"kv_cache": "int8"} and run.effective["kv_cache"] == "int8"
    assert run.quality == run.result["totals"]["passed"] / 8
    assert run.tps and run.ttft_s and run.memory_bytes and run.kv_bytes
    assert "tiny-coder: code" in (tmp_path / "out.html").read_text()


@pytest.mark.slow
async def test_a_stopped_suite_keeps_what_was_judged_and_its_engine_is_gone(until):
    app = PlaygroundApp(engine="transformers")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.bridge.state.facts, LOADING_S)
        await pilot.press("f5")
        await until(pilot, lambda: isinstance(app.screen, BenchScreen))
        await pilot.press("right", "right", "r")
        results = app.screen.query_one(BenchResults)
        await until(pilot, lambda: "playground/" in results.render().plain, LOADING_S)
        await pilot.press("escape")
        await until(pilot, lambda: not app.bridge.state.benching)
        await pilot.press("f2", *"def", "enter")
        await until(pilot, lambda: app.bridge.state.requests, LOADING_S)
    (run,) = kept("kind:bench")
    judged = run.result["totals"]["tasks"]
    assert 1 <= judged < 40 and "stopped" in run.flags


async def test_what_one_suite_cannot_do_keeps_no_other_from_running(opened, until):
    """On the scripted engine, which cannot score but can run a load; the suite under the cursor is shown."""
    async with opened() as (app, pilot):
        await pilot.press("f5")
        await until(pilot, lambda: isinstance(app.screen, BenchScreen))
        suites, results = app.screen.query_one(SuiteList), app.screen.query_one(BenchResults)
        await pilot.press("space", "down", "space", "down", "space")
        assert list(suites.chosen) == ["quality", "load"] and suites.current == "load"
        await pilot.press("r")
        await until(pilot, lambda: "closed:1" in results.render().plain, 60)
        await until(pilot, lambda: not app.bridge.state.benching, 60)
        assert "quality: the scripted engine has no tokenizer" in said(app)
        assert suites.current == "load" and results.render().plain.count("closed:") == 4
        assert "at most" in suites.render().plain and "40 of 40" in results.render().plain
        await pilot.press("up")
        await until(pilot, lambda: "closed:" not in results.render().plain)
        assert "quality" in results.render().plain
        await pilot.press("r")
        await until(pilot, lambda: app.bridge.state.benching)
        await pilot.press("escape")
        await until(pilot, lambda: not app.bridge.state.benching, 30)
    (run,) = kept("kind:bench")
    assert (run.kind, run.title, run.requests) == ("bench load", "8 requests", 40)
    assert run.seconds and run.system_tps and run.ttft_s


async def test_how_long_a_suite_took_is_remembered_by_its_unit(opened, until):
    keep([Run(at=1.0, kind="bench load", model="scripted", title="4 requests", seconds=2.0)])
    async with opened() as (app, pilot):
        await pilot.press("f5")
        await until(pilot, lambda: isinstance(app.screen, BenchScreen))
        suites = app.screen.query_one(SuiteList)
        await until(pilot, lambda: "about 4.00 s" in suites.render().plain)
        await pilot.press("down", "down", "right")
        await until(pilot, lambda: "about 8.00 s" in suites.render().plain)


async def test_what_is_said_is_seen_to_its_end(opened, until):
    """At 120 columns hints and notes wrap, and a figure is never cut in two."""
    async with opened() as (app, pilot):
        await pilot.press("f5")
        await until(pilot, lambda: isinstance(app.screen, BenchScreen))
        for widget in (app.screen.query_one(BenchResults), app.screen.query_one(Scatter)):
            lines = widget.render().plain.splitlines()
            assert max(map(len, lines)) <= widget.size.width and "F2" in " ".join(lines), lines
        suites = app.screen.query_one(SuiteList)
        suites.estimate("code", 2.0)
        for figure, seen in (
            ("pass@1 50 %  (15 to 85 %)", "about 16.0 s  pass@1 50 %"),
            ("at most 123456 tok/s", "at most 123456 tok/s"),
            ("a long word " * 9, "about 16.0 s"),
        ):
            suites.show({"code": BenchView("code", "", SuiteProgress(8, 8, None, figure))})
            assert suites.render().plain.splitlines()[2].strip() == seen


async def test_a_suite_does_not_begin_beside_a_request(opened, until, script):
    async with opened(script(["x"] * 3000), max_tokens=3000) as (app, pilot):
        await pilot.press(*"add", "enter")
        await until(pilot, lambda: app.bridge.state.requests.unfinished)
        await pilot.press("f5")
        await until(pilot, lambda: isinstance(app.screen, BenchScreen))
        await pilot.press("r")
        await until(pilot, lambda: "requests run in the playground" in said(app))
        assert not app.bridge.state.benching


async def test_no_suite_begins_in_a_replay_or_beside_a_measurement(opened):
    """The driver itself refuses, not only the key."""
    async with opened() as (app, _):
        state, driver = app.bridge.state, BenchDriver(app.session, None, lambda: None)
        driver.check(["code"])
        state.load.busy = True
        with pytest.raises(NotNow, match="a load is being measured"):
            driver.check(["code"])
        state.load.busy, state.replaying = False, True
        with pytest.raises(NotNow, match="this is a replay"):
            driver.check(["code"])


async def test_nothing_ticked_and_nothing_to_export_are_said(opened, until):
    async with opened() as (app, pilot):
        await pilot.press("f5")
        await until(pilot, lambda: isinstance(app.screen, BenchScreen))
        await pilot.press("x")
        await until(pilot, lambda: "nothing has been run yet" in said(app))
        await pilot.press("space", "r")
        await until(pilot, lambda: "no suite is ticked" in said(app))


async def test_option_sets_of_before_are_plotted_against_both(opened, until):
    keep(make_runs(60))
    async with opened() as (app, pilot):
        await pilot.press("f5")
        await until(pilot, lambda: isinstance(app.screen, BenchScreen))
        scatter = app.screen.query_one(Scatter)
        await until(pilot, lambda: "pass@1 × TPS" in scatter.render().plain and "n 40" in scatter.render().plain)
        await pilot.press("m")
        await until(pilot, lambda: "pass@1 × Memory" in scatter.render().plain and "GiB" in scatter.render().plain)


def test_the_frontier_is_what_nothing_beats():
    def run(tps, quality, memory=10, measure="pass@1", **options):
        return Run(
            at=0.0,
            kind="bench code",
            model="m",
            tps=tps,
            quality=quality,
            memory_bytes=memory,
            measure=measure,
            options=options,
        )

    runs = [run(10.0, 0.9), run(20.0, 0.8, a="1"), run(15.0, 0.7, b="1"), run(20.0, 0.8, 20, c="1"), run(1.0, 0.1)]
    strong = [(point.x, point.y) for point in pareto(runs, memory=False) if point.strong]
    assert strong == [(10.0, 0.9), (20.0, 0.8), (20.0, 0.8)], "the newest of an option set counts"
    assert [(point.x, point.y) for point in pareto(runs, memory=True) if point.strong] == [(10, 0.9)]
    nats = [run(10.0, 3.0, measure="perplexity"), run(10.0, 4.0, measure="perplexity", a="1")]
    assert [point.y for point in pareto(nats, memory=False) if point.strong] == [3.0]
    assert json.dumps([point.label for point in pareto(runs, memory=True)]).count("defaults") == 1
