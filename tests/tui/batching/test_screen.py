"""The Batching screen on a real worker with the scripted engine: run, stop, refuse, look."""

from __future__ import annotations

from typing import Any

import pytest

from playground.bench.load.arrivals import Arrivals
from playground.bench.load.lengths import Lengths
from playground.tui.app import PlaygroundApp
from playground.tui.screens.batching import BatchingScreen
from playground.tui.screens.playground.screen import PlaygroundScreen
from playground.tui.state.load_profile import POLICIES, LoadProfile
from playground.tui.widgets.batching.board import LoadBoard
from playground.tui.widgets.batching.form import LoadForm
from playground.tui.widgets.board.cells import MERGED_LEGEND
from tests.tui.batching.recording import recording
from tests.tui.batching.running import run_load
from tests.tui.cells import shown
from tests.tui.conftest import Opened, Wait
from tests.tui.settling import settle

SHORT = LoadProfile(requests=16, slots=4, lengths=Lengths("lognormal", 4, 48))


async def test_a_load_fills_both_boards_and_leaves_the_toggles_as_they_were(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        state = app.bridge.state
        before = state.toggles.requested
        await run_load(app, pilot, until, SHORT)
        await until(pilot, lambda: state.load.running and "Esc stops" in shown(app))
        await until(pilot, lambda: not state.load.busy and not state.toggles.switching)
        static, continuous = (state.load.runs[policy] for policy in POLICIES)
        assert static.whole and continuous.whole
        assert static.usage.waste and static.usage.waste > 0 and continuous.usage.waste == 0
        assert state.load.speed_up and state.load.speed_up > 1
        assert state.toggles.requested == before and not state.requests
        assert state.toggles.switch is None, "nobody threw these switches"
        for run in (static, continuous):
            assert run.predicted and run.predicted.steps == run.board.total
            assert run.predicted.occupancy == run.usage.occupancy and run.predicted.waste == run.usage.waste
        assert continuous.predicted and continuous.predicted.makespan_s
        assert 0.5 < continuous.predicted.makespan_s / (continuous.makespan or 0) < 2
        await until(pilot, lambda: "the same tokens in 16 of 16" in shown(app))
        text = shown(app)
        assert all(f" {slot} " in text for slot in range(4)) and "█" in text and "·····" in text
        assert f"{state.load.speed_up:.2f}x" in text


async def test_arrivals_that_come_later(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        profile = LoadProfile(requests=6, slots=4, lengths=Lengths("fixed", 8, 8), arrivals=Arrivals("poisson", 20.0))
        await run_load(app, pilot, until, profile)
        await until(pilot, lambda: len(app.bridge.state.load.runs) == 2 and not app.bridge.state.load.busy)
        static, continuous = (app.bridge.state.load.runs[policy] for policy in POLICIES)
        last = max(request.delay_s for request in static.requests.values())
        assert last > 0 and all(run.whole and run.makespan and run.makespan > last for run in (static, continuous))


async def test_escape_stops_the_load_and_puts_the_toggles_back(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        state = app.bridge.state
        before = state.toggles.requested
        await run_load(app, pilot, until, LoadProfile())
        await until(pilot, lambda: state.load.running and state.load.running.made)
        await pilot.press("escape")
        await until(pilot, lambda: not state.load.busy and not state.toggles.switching)
        assert list(state.load.runs) == ["static"] and not state.load.runs["static"].whole
        assert state.toggles.requested == before
        await until(pilot, lambda: "the load ended early: stopped" in shown(app))
        await pilot.press("r")
        await until(pilot, lambda: state.load.running and state.load.running.load == 2)


async def test_prompts_wait_for_a_load_and_a_load_for_prompts(opened: Opened, script: Any, until: Wait) -> None:
    async with opened(script(["word "] * 8000), max_tokens=8000) as (app, pilot):
        await pilot.press(*"hello", "enter")
        await until(pilot, lambda: app.bridge.state.requests.unfinished)
        await run_load(app, pilot, until, SHORT)
        await until(pilot, lambda: "a load would disturb" in shown(app))
        assert not app.bridge.state.load.busy
        await pilot.press("f2")
        await until(pilot, lambda: isinstance(app.screen, PlaygroundScreen))
        await pilot.press("escape")
        await until(pilot, lambda: not app.bridge.state.requests.unfinished)
        await run_load(app, pilot, until, LoadProfile(requests=256))  # outlasts a busy machine's keys
        await until(pilot, lambda: app.bridge.state.load.running)
        await pilot.press("f2", *"more", "enter")
        await until(pilot, lambda: "a load is being measured" in shown(app))
        assert len(app.bridge.state.requests) == 1


async def test_a_dead_engine_ends_the_load(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        await run_load(app, pilot, until, LoadProfile())
        await until(pilot, lambda: app.bridge.state.load.running and app.bridge.state.load.running.made)
        app.bridge._client.kill()
        await until(pilot, lambda: not app.bridge.state.load.busy)
        assert app.bridge.state.status == "failed"
        await until(pilot, lambda: "the engine" in shown(app))


async def test_the_form_by_keys(opened: Opened, until: Wait) -> None:
    async with opened(size=(80, 24)) as (app, pilot):
        await pilot.press("2" if not app.focused else "f3")
        await until(pilot, lambda: isinstance(app.screen, BatchingScreen))
        await until(pilot, lambda: "on the same arrivals  " in shown(app))
        form = app.screen.query_one(LoadForm)
        await pilot.press("up", "right", "up", "left", "left", "up")
        assert (form.profile.requests, str(form.profile.arrivals), form.profile.seed) == (128, "poisson:4", 1)
        await pilot.press("right", "right", "right", "e")
        await pilot.press(*["backspace"] * 20, *"gamma", "enter")
        await until(pilot, lambda: "lengths cannot be 'gamma'" in shown(app))
        await pilot.press(*["backspace"] * 20, *"fixed", "space", "7", "enter")
        await until(pilot, lambda: form.profile.lengths == Lengths("fixed", 7, 7))


async def test_a_replayed_load_shows_its_boards_and_runs_no_other(until: Wait) -> None:
    app = PlaygroundApp(engine="scripted", replay=recording(SHORT), speed=0)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.bridge.state.load.speed_up)
        await pilot.press("f3")
        await until(pilot, lambda: "the same tokens in 16 of 16" in shown(app))
        before = list(app.bridge.state.load.runs)
        await pilot.press("r")
        await until(pilot, lambda: "this is a replay" in shown(app))
        assert list(app.bridge.state.load.runs) == before and not app.bridge.state.load.busy


async def test_both_boards_zoom_together_and_a_cursor_says_what_a_cell_holds(until: Wait) -> None:
    app = PlaygroundApp(engine="scripted", replay=recording(SHORT), speed=0)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.bridge.state.load.speed_up)
        await pilot.press("f3", "tab")
        await until(pilot, lambda: isinstance(app.focused, LoadBoard))
        boards = list(app.screen.query(LoadBoard))
        wide = [board.view.scale.width for board in boards]
        assert wide[0] == wide[1]
        await pilot.press("plus")
        assert [board.view.scale.width for board in boards] == [wide[0] / 2] * 2
        await pilot.press("minus", "minus", "left")
        assert [board.view.scale.width for board in boards] == wide
        await until(pilot, lambda: "slot 0" in shown(app) and "tokens" in shown(app))


async def test_a_board_alone_has_the_time_axis_of_its_own_width(until: Wait) -> None:
    app = PlaygroundApp(engine="scripted", replay=recording(SHORT), speed=0)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.bridge.state.load.speed_up)
        await pilot.press("f3")
        await until(pilot, lambda: isinstance(app.screen, BatchingScreen))
        first, second = app.screen.query(LoadBoard)
        second.focus()
        await until(pilot, lambda: second.view.seconds)
        before = second.view.seconds
        await pilot.press("z")
        await until(pilot, lambda: not first.display)
        await settle(pilot)
        assert second.view.seconds == before


async def test_zoomed_boards_show_the_same_time(until: Wait) -> None:
    app = PlaygroundApp(engine="scripted", replay=recording(SHORT), speed=0)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.bridge.state.load.speed_up)
        await pilot.press("f3")
        await until(pilot, lambda: isinstance(app.screen, BatchingScreen))
        static, continuous = app.screen.query(LoadBoard)
        static.focus()
        await pilot.press("plus", "plus")
        await until(pilot, lambda: static.view.columns() == continuous.view.columns())
        assert static.view.columns().stop >= static.view.known().stop > continuous.view.known().stop
        await pilot.press("home")
        await until(pilot, lambda: continuous.view.columns().start == 0 == static.view.columns().start)
        continuous.focus()
        await pilot.press("end", "left")
        await until(pilot, lambda: static.view.columns() == continuous.view.columns())
        assert continuous.view.cursor and continuous.view.cursor.column == continuous.view.known().stop - 1


async def test_the_focus_comes_back_with_all_panels(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        await pilot.press("f3")
        await until(pilot, lambda: isinstance(app.focused, LoadForm))
        await pilot.press("z")
        await until(pilot, lambda: app.focused is None)
        await pilot.press("z")
        await until(pilot, lambda: isinstance(app.focused, LoadForm))


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_every_glyph_is_explained_and_no_figure_is_cut(size: tuple[int, int], until: Wait) -> None:
    app = PlaygroundApp(engine="scripted", replay=recording(LoadProfile(shared=50)), speed=0)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.bridge.state.load.speed_up)
        await pilot.press("f3")
        await settle(pilot)
        text = shown(app)
        assert MERGED_LEGEND in text and "# shared " in text and "░ cached " in text
        assert "…" not in text and text.count("makespan ") >= 2
