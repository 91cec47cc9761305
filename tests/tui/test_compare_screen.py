"""Screen 3 on a real worker: run, stop, refuse, and everything back as it was."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from playground.protocol.options import EngineOptions
from playground.tui.app import PlaygroundApp
from playground.tui.compare_profile import CompareProfile, fields
from playground.tui.screens.compare import CompareScreen
from playground.tui.widgets.field_form import FieldForm
from tests.tui.cells import shown

Opened = Callable[..., AbstractAsyncContextManager[tuple[PlaygroundApp, Pilot[None]]]]
Wait = Callable[..., Any]


async def _go(app: PlaygroundApp, pilot: Pilot[None], until: Wait, **profile: Any) -> None:
    await pilot.press("f4")
    await until(pilot, lambda: isinstance(app.screen, CompareScreen))
    form = app.screen.query_one(FieldForm)
    form.set(CompareProfile(**({"tokens": 12, "runs": 2} | profile)))
    await pilot.press("r")


async def test_both_sides_run_in_turns_and_the_toggles_are_back(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        state = app.bridge.state
        before = state.requested
        await _go(app, pilot, until)
        await until(pilot, lambda: state.compare.comparison.planned)
        await until(pilot, lambda: not state.compare.busy and not state.switching, 60)
        found = state.compare.comparison
        assert [run.side for run in found.runs] == list("ABBA")
        assert found.effective["B"]["kv_cache"] == "int8" and state.requested == before
        assert not state.requests, "screen 1 knows nothing of these requests"
        await until(pilot, lambda: "Verdict  int8 KV:" in shown(app))
        text = shown(app)
        assert "kv_cache=model" in text and "kv_cache=int8" in text and "def add_numbers" in text
        assert "no KL: the scripted engine has no tokenizer" in text
        assert all(name in text for name in ("TTFT", "TPS", "KV/token", "noise"))


async def test_escape_stops_it_and_what_was_measured_stays(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        state = app.bridge.state
        before = state.requested
        await _go(app, pilot, until, runs=50, tokens=200)
        await until(pilot, lambda: len(state.compare.comparison.runs) >= 2, 60)
        assert "Esc stops" in shown(app)
        await pilot.press("escape")
        await until(pilot, lambda: not state.compare.busy and not state.switching, 60)
        assert 2 <= len(state.compare.comparison.runs) < 100 and state.requested == before
        await until(pilot, lambda: "the comparison ended early: stopped" in shown(app))
        await until(pilot, lambda: "Verdict" in shown(app))


async def test_nothing_disturbs_it(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        await _go(app, pilot, until, runs=50)
        await until(pilot, lambda: app.bridge.state.compare.comparison.runs)
        await pilot.press("r")
        await until(pilot, lambda: "being compared on screen 3" in shown(app))
        await pilot.press("f2", "h", "i", "enter")
        await until(pilot, lambda: "being compared on screen 3" in shown(app))
        await pilot.press("f3")
        await pilot.pause()
        await pilot.press("r")
        await until(pilot, lambda: "being compared on screen 3" in shown(app))


async def test_the_prompt_of_screen_1_comes_along(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        await pilot.press(*"abc", "enter")
        await until(pilot, lambda: app.bridge.state.requests and not app.bridge.state.unfinished)
        await pilot.press("f4")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        assert app.screen.query_one(FieldForm).profile.prompt == "abc"


async def test_what_cannot_be_is_said(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        await _go(app, pilot, until, b="kv_cache=model")
        await until(pilot, lambda: "A and B come to the same options" in shown(app))
        form = app.screen.query_one(FieldForm)
        form.focus()
        await pilot.press("e")
        await until(pilot, lambda: app.screen.query(Input))
        app.screen.query_one(Input).value = "weights=nf4"
        await pilot.press("enter")
        await until(pilot, lambda: "weights=nf4 is not possible" in shown(app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        assert form.profile.a == "kv_cache=model"


async def test_values_come_from_the_capability_report(opened: Opened, until: Wait) -> None:
    async with opened() as (app, _):
        choices = fields(app.bridge.state.capabilities, ["mine"])[0].choices
        assert {"kv_cache=int8", "attention=eager", "batching=static"} <= set(choices)
        assert not any(choice.startswith("weights=nf4") for choice in choices)


def test_a_prompt_keeps_its_lines() -> None:
    profile = CompareProfile(prompt="one\\ntwo")
    assert profile.text == "one\ntwo" and profile.changes("b") == {"kv_cache": "int8"}
    with pytest.raises(ValueError, match="no toggle is called"):
        CompareProfile(a="speed=9").changes("a")


async def test_two_bits_on_the_bundled_model(until: Wait) -> None:
    options = EngineOptions(dtype="float32", kv_blocks="64")
    app = PlaygroundApp(engine="transformers", options=options)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.bridge.state.facts or app.bridge.state.load_failure, 90)
        await _go(app, pilot, until, b="kv_cache=int2", tokens=40)
        await until(pilot, lambda: app.bridge.state.compare.comparison.planned)
        await until(pilot, lambda: not app.bridge.state.compare.busy, 90)
        found = app.bridge.state.compare.comparison
        assert found.divergence.kl and found.divergence.noise == 0
        await until(pilot, lambda: "KL/token" in shown(app) and "x less cache" in shown(app))
