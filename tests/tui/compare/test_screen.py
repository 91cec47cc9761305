"""The Compare screen on a real worker: run, stop, refuse, and everything back as it was."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from textual.pilot import Pilot
from textual.widgets import Input

from playground import paths
from playground.protocol.options import EngineOptions
from playground.session.recorder import Recorder
from playground.session.replay import read_recording
from playground.text.numbers import format_kl
from playground.tui.app import PlaygroundApp
from playground.tui.compare.profile import CompareProfile, fields
from playground.tui.screens.compare import CompareScreen
from playground.tui.widgets.field_form import FieldForm
from playground.tui.widgets.prompt import Prompt
from tests.tui.cells import shown
from tests.tui.conftest import Opened, Wait
from tests.tui.runs import kept


async def _go(app: PlaygroundApp, pilot: Pilot[None], until: Wait, **profile: Any) -> None:
    await pilot.press("f4")
    await until(pilot, lambda: isinstance(app.screen, CompareScreen))
    form = app.screen.query_one(FieldForm)
    form.set(CompareProfile(**({"tokens": 12, "runs": 2} | profile)))
    await pilot.press("r")


async def test_both_sides_run_in_turns_and_the_toggles_are_back(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        state = app.bridge.state
        before = state.toggles.requested
        await _go(app, pilot, until)
        await until(pilot, lambda: state.compare.comparison.planned)
        await until(pilot, lambda: not state.compare.busy and not state.toggles.switching, 60)
        found = state.compare.comparison
        assert [run.side for run in found.runs] == list("ABBA")
        assert found.effective["B"]["kv_cache"] == "int8" and state.toggles.requested == before
        assert not state.requests, "the Playground screen knows nothing of these requests"
        await until(pilot, lambda: "Verdict  int8 KV:" in shown(app))
        text = shown(app)
        assert "kv_cache=model" in text and "kv_cache=int8" in text and "def add_numbers" in text
        assert "no KL: the scripted engine has no tokenizer" in text
        assert all(name in text for name in ("TTFT", "TPS", "KV/token", "noise"))


async def test_another_model_gets_a_worker_of_its_own(opened: Opened, until: Wait, script: Any) -> None:
    """And the app's own engine keeps its model and its toggles."""
    other = script(["x"] * 40)
    async with opened() as (app, pilot):
        state = app.bridge.state
        facts, before = state.facts, state.toggles.requested
        await _go(app, pilot, until, a="max_batch=4", b=f"model={other},max_batch=2")
        await until(pilot, lambda: state.compare.comparison.planned, 60)
        await until(pilot, lambda: not state.compare.busy and not state.toggles.switching, 60)
        found = state.compare.comparison
        assert [run.side for run in found.runs] == list("ABBA") and found.text("B") == "x" * 12 != found.text("A")
        assert found.effective["A"]["max_batch"] == "4" and found.effective["B"]["max_batch"] == "2"
        assert state.facts == facts and state.toggles.requested == before and not state.model.exited
        await until(pilot, lambda: "Verdict  answers.jsonl:" in shown(app))
        assert f"model={other}"[:40] in shown(app)
    runs = kept()
    assert {run.model for run in runs} == {"scripted", "answers.jsonl"} and {run.kind for run in runs} == {"compare"}
    assert [run.requests for run in runs] == [2, 2] and all(run.tps and run.ttft_s for run in runs)


async def test_an_engine_that_is_not_there_ends_it(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        await _go(app, pilot, until, b="engine=transformers,model=nowhere/at/all")
        await until(pilot, lambda: "the comparison ended early:" in shown(app), 60)
        assert not app.bridge.state.compare.busy and app.bridge.state.facts and not app.bridge.state.model.exited


async def test_a_path_that_is_not_there_is_told_before_anything_starts(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        await _go(app, pilot, until, b="model=/nowhere/at-all")
        await until(pilot, lambda: "B: there is no /nowhere/at-all; check the spelling" in shown(app))
        assert not app.bridge.state.compare.busy


async def test_a_session_without_a_server_says_where_one_is_compared(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        await _go(app, pilot, until, b="engine=openai")
        await until(pilot, lambda: "this session knows no server; playground compare --url … takes one" in shown(app))


async def test_a_recording_replays_the_comparison(opened: Opened, until: Wait, tmp_path: Path) -> None:
    file = tmp_path / "session.jsonl"
    async with opened(recorder=Recorder(file)) as (app, pilot):
        await _go(app, pilot, until)
        await until(pilot, lambda: "Verdict  int8 KV:" in shown(app), 60)
        live = app.bridge.state.compare.comparison
    app = PlaygroundApp(engine="scripted", replay=read_recording(file), speed=0)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("f4")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        await until(pilot, lambda: "Verdict  int8 KV:" in shown(app))
        await until(pilot, lambda: "A kv_cache=model   B kv_cache=int8" in shown(app))
        assert app.bridge.state.compare.comparison == live and not app.bridge.state.requests


async def test_escape_stops_it_and_what_was_measured_stays(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        state = app.bridge.state
        before = state.toggles.requested
        await _go(app, pilot, until, runs=50, tokens=200)
        await until(pilot, lambda: len(state.compare.comparison.runs) >= 2 and "Esc stops" in shown(app), 60)
        await pilot.press("escape")
        await until(pilot, lambda: not state.compare.busy and not state.toggles.switching, 60)
        assert 2 <= len(state.compare.comparison.runs) < 100 and state.toggles.requested == before
        await until(pilot, lambda: "the comparison ended early: stopped" in shown(app))
        await until(pilot, lambda: "Verdict" in shown(app))


async def test_nothing_disturbs_it(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        await _go(app, pilot, until, runs=50)
        await until(pilot, lambda: app.bridge.state.compare.comparison.runs)
        await pilot.press("r")
        await until(pilot, lambda: "being compared" in shown(app))
        await pilot.press("f2", "h", "i", "enter")
        await until(pilot, lambda: "being compared" in shown(app))
        assert app.screen.query_one(Prompt).text == "hi", "it was not sent, and is not lost"
        await pilot.press("f3")
        await pilot.pause()
        await pilot.press("r")
        await until(pilot, lambda: "being compared" in shown(app))


async def test_the_prompt_of_screen_1_comes_along(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        await pilot.press(*"abc", "enter")
        await until(pilot, lambda: app.bridge.state.requests and not app.bridge.state.requests.unfinished)
        await pilot.press("f4")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        profile = app.screen.query_one(FieldForm).profile
        assert (profile.prompt, profile.mode) == ("abc", "chat")


async def test_a_prompt_goes_in_the_mode_that_stands_before_it(until: Wait) -> None:
    """tiny-coder answers a chat prompt; in base mode it takes the same prompt as a complete text and ends at once."""
    app = PlaygroundApp(engine="transformers", options=EngineOptions(dtype="float32", kv_blocks="64"))
    async with app.run_test(size=(120, 40)) as pilot:
        state = app.bridge.state
        await until(pilot, lambda: state.facts or state.model.load_failure, 90)
        for mode, said in (("base", "nothing to judge: both answers are empty"), ("chat", "def merge")):
            state.compare.comparison.planned = 0
            await _go(app, pilot, until, mode=mode, prompt="write a function that merges two dictionaries")
            await until(pilot, lambda: state.compare.comparison.planned and not state.compare.busy, 60)
            await until(pilot, lambda said=said: said in shown(app))
        assert state.compare.comparison.divergence.kl and "runs 2  chat" in shown(app)


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
    assert profile.text == "one\ntwo" and profile.changes("b").toggles == {"kv_cache": "int8"}
    with pytest.raises(ValueError, match="no toggle is called"):
        CompareProfile(a="speed=9").changes("a")


async def test_two_models_are_held_against_each_other(until: Wait, tmp_path: Path) -> None:
    """The bundled model and a copy with slightly changed weights."""
    other = _shaken(tmp_path / "shaken")
    app = PlaygroundApp(engine="transformers", options=EngineOptions(dtype="float32", kv_blocks="64"))
    async with app.run_test(size=(120, 40)) as pilot:
        state = app.bridge.state
        await until(pilot, lambda: state.facts or state.model.load_failure, 90)
        facts = state.facts
        await _go(app, pilot, until, a="max_batch=8", b=f"model={other}", tokens=16)
        await until(pilot, lambda: state.compare.comparison.planned, 120)
        await until(pilot, lambda: not state.compare.busy, 120)
        found, own = state.compare.comparison, state.compare.comparison.divergence
        assert len(own.kl) == len(own.rank) == len(found.of("A")[0].token_ids) > 1 and not own.likeliest
        assert own.kl_mean > 1e-5 and own.noise == 0
        await until(pilot, lambda: "KL/token" in shown(app) and "Verdict  shaken: " in shown(app))
        text = shown(app)
        assert f"mean {format_kl(own.kl_mean)}  A/A 0.000" in text and "worst rank of A's token" in text
        assert "above noise" in text and state.facts == facts


def _shaken(folder: Path) -> Path:
    shutil.copytree(paths.bundled_model(), folder)
    weights = load_file(folder / "model.safetensors")
    generator = torch.Generator().manual_seed(0)
    shaken = {
        name: (tensor + 0.1 * tensor.float().std() * torch.randn(tensor.shape, generator=generator)).to(tensor.dtype)
        for name, tensor in weights.items()
    }
    save_file(shaken, folder / "model.safetensors", {"format": "pt"})
    return folder


async def test_two_bits_on_the_bundled_model(until: Wait) -> None:
    options = EngineOptions(dtype="float32", kv_blocks="64")
    app = PlaygroundApp(engine="transformers", options=options)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.bridge.state.facts or app.bridge.state.model.load_failure, 90)
        await _go(app, pilot, until, b="kv_cache=int2", tokens=40)
        await until(pilot, lambda: app.bridge.state.compare.comparison.planned)
        await until(pilot, lambda: not app.bridge.state.compare.busy, 90)
        found = app.bridge.state.compare.comparison
        assert found.divergence.kl and found.divergence.noise == 0
        await until(pilot, lambda: "KL/token" in shown(app) and "x less cache" in shown(app))


async def test_a_replay_offers_no_fields(until: Wait) -> None:
    app = PlaygroundApp(engine="scripted", replay=[], speed=0)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("f4")
        await until(pilot, lambda: "nothing was compared in this recording" in shown(app))
        assert "Field" not in shown(app).splitlines()[-1] and "Value" not in shown(app).splitlines()[-1]
