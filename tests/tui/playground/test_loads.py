"""Loads that take long: progress, prompts that wait, and Esc."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from playground.protocol.commands import Abort, GenerationRequest, Submit
from playground.protocol.events import Failed, ModelLoading
from playground.session.recording import Entry
from playground.tui.app import PlaygroundApp
from playground.tui.conversation import conversation
from playground.tui.widgets.prompt import Prompt
from playground.tui.widgets.toggle_panel import TogglePanel
from tests.tui.cells import shown
from tests.tui.conftest import Wait
from tests.tui.sending import send
from tests.worker.processes import write_answer, write_starter


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """A model whose load never ends: it reads a pipe without a writer."""
    path = tmp_path / "endless.jsonl"
    os.mkfifo(path)
    return path


async def test_esc_ends_a_load_that_does_not_answer(endless: Path, until: Wait) -> None:
    app = PlaygroundApp(engine="scripted", model=str(endless))
    async with app.run_test(size=(120, 40)) as pilot:
        state = app.bridge.state
        await until(pilot, lambda: "loading endless.jsonl" in shown(app) and state.model.pid)
        first = state.model.pid
        await send(pilot, "wait for me")
        await until(pilot, lambda: state.requests.unfinished)
        await pilot.press("escape")
        await until(pilot, lambda: "the load was stopped" in shown(app), seconds=5)
        assert state.status == "idle"
        assert app.screen.query_one(Prompt).text == "wait for me"
        await until(pilot, lambda: state.model.pid != first)
        with pytest.raises(ProcessLookupError):
            os.kill(first or 0, 0)
        await pilot.press("enter")
        await until(pilot, lambda: "no model is loaded" in shown(app))


async def test_a_long_stage_leaves_room_for_the_key_that_ends_it(endless: Path, until: Wait) -> None:
    app = PlaygroundApp(engine="scripted", model=str(endless))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "loading endless.jsonl  weights" in shown(app))
        app.bridge.add_event(ModelLoading(stage="weights", done=1, total=9, detail="reading " + "them " * 12))
        await until(pilot, lambda: "━" in shown(app))
        assert "…   " in shown(app) and "   Esc cancels" in shown(app)


async def test_a_load_tells_its_seconds(endless: Path, until: Wait) -> None:
    app = PlaygroundApp(engine="scripted", model=str(endless))
    async with app.run_test(size=(120, 40)) as pilot:
        for second in (1, 2):
            await until(pilot, lambda second=second: f"   {second} s   Esc cancels" in shown(app), seconds=5)
        await pilot.press("escape")
        await until(pilot, lambda: "the load was stopped" in shown(app), seconds=5)
        assert " s   Esc cancels" not in shown(app)


@pytest.mark.parametrize("width", [80, 160])
async def test_a_long_name_takes_the_room_that_there_is(
    story: Callable[[str], list[Entry]], until: Wait, width: int
) -> None:
    app = PlaygroundApp(engine="transformers", replay=story("idle"), speed=0)
    async with app.run_test(size=(width, 24)) as pilot:
        await until(pilot, lambda: app.bridge.state.facts)
        state = app.bridge.state
        state.facts = msgspec.structs.replace(state.facts, name="organisation-" * 4 + "model-70B-instruct")
        app.bridge.refresh()
        line = lambda: shown(app).splitlines()[0]  # noqa: E731
        await until(pilot, lambda: "organisation-" in line() and f"{state.facts.dtype}  cpu" in line())
        assert ("model-70B-instruct" in line()) == (width == 160) and ("…" in line()) == (width == 80)


async def test_the_model_before_comes_back_where_a_load_is_stopped_or_refused(endless: Path, until: Wait) -> None:
    app = PlaygroundApp(engine="scripted")
    async with app.run_test(size=(120, 40)) as pilot:
        state = app.bridge.state
        await until(pilot, lambda: state.facts)
        app.session.switch("attention", "eager")
        await until(pilot, lambda: state.toggles.effective.get("attention") == "eager")
        kept, first = state.facts, state.model.pid
        await app.session.load(str(endless))
        await send(pilot, "wait for me")
        await until(pilot, lambda: state.requests.unfinished)
        await pilot.press("escape")  # its worker never answers, and is replaced
        said = f"the load was stopped; {kept.name} comes back"
        await until(pilot, lambda: said in shown(app) and state.facts == kept and state.model.pid != first)
        assert app.screen.query_one(Prompt).text == "wait for me"
        await until(pilot, lambda: state.toggles.effective.get("attention") == "eager")
        await app.session.load(str(endless.with_name("missing.jsonl")))
        await until(pilot, lambda: "cannot read" in shown(app) and state.facts == kept)
        await pilot.press("enter")
        await until(pilot, lambda: "end · 15 tokens" in shown(app))


def _answers(folder: Path) -> Path:
    model = folder / "model.jsonl"
    model.write_bytes(Path(write_answer(folder, 3)).read_bytes())
    return model


def _hang(model: Path) -> None:
    """From now on loading it never ends: it is a pipe that nobody writes into."""
    model.unlink()
    os.mkfifo(model)


async def test_what_comes_back_can_be_stopped_too(endless: Path, until: Wait, tmp_path: Path) -> None:
    model = _answers(tmp_path)
    app = PlaygroundApp(engine="scripted", model=str(model))
    async with app.run_test(size=(120, 40)) as pilot:
        state = app.bridge.state
        await until(pilot, lambda: state.facts)
        _hang(model)
        await app.session.load(str(endless))
        await until(pilot, lambda: "loading endless.jsonl" in shown(app))
        await pilot.press("escape")
        await until(pilot, lambda: "loading model.jsonl" in shown(app) and state.model.loading)
        await pilot.press("escape")
        await until(pilot, lambda: "the load was stopped; ^O picks a model" in shown(app))
        assert (state.status, state.model.loading, state.facts) == ("idle", None, None)


async def test_a_restart_that_is_stopped_does_not_begin_again(until: Wait, tmp_path: Path) -> None:
    model = _answers(tmp_path)
    app = PlaygroundApp(engine="scripted", model=str(model))
    async with app.run_test(size=(120, 40)) as pilot:
        state = app.bridge.state
        await until(pilot, lambda: state.facts)
        _hang(model)
        os.kill(state.model.pid or 0, signal.SIGKILL)
        await until(pilot, lambda: state.status == "failed")
        await pilot.press("ctrl+y")
        await until(pilot, lambda: "loading model.jsonl" in shown(app) and state.model.loading and state.model.pid)
        stuck = state.model.pid
        await pilot.press("escape")
        await until(pilot, lambda: "the load was stopped; ^O picks a model" in shown(app))
        await until(pilot, lambda: state.model.pid not in (None, stuck))  # to the next, a load would be sent at once
        assert (state.status, state.model.loading, state.facts) == ("idle", None, None)


async def test_one_esc_among_the_toggles_stops_what_runs_and_the_next_lead_out(endless: Path, until: Wait) -> None:
    app = PlaygroundApp(engine="scripted")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.bridge.state.facts)
        await pilot.press("ctrl+g")
        panel = app.screen.query_one(TogglePanel)
        for _ in app.bridge.state.capabilities.toggles:
            await pilot.press("down", "right")
            if panel.candidate:
                break
        looked_at = panel.candidate
        assert looked_at
        await app.session.load(str(endless))
        await until(pilot, lambda: "Esc Stop" in shown(app) and "loading endless.jsonl" in shown(app))
        await pilot.press("escape")
        await until(pilot, lambda: "the load was stopped" in shown(app) and app.bridge.state.facts)
        assert panel.has_focus
        await until(pilot, lambda: panel.candidate == looked_at)
        await pilot.press("escape")
        assert panel.candidate is None and panel.has_focus
        await pilot.press("escape")
        assert app.screen.query_one(Prompt).has_focus


async def test_esc_is_for_the_request_again_after_a_step_that_failed_to_compile(until: Wait) -> None:
    app = PlaygroundApp(engine="scripted")
    async with app.run_test(size=(120, 40)) as pilot:
        state = app.bridge.state
        await until(pilot, lambda: state.facts)
        app.bridge.add_event(ModelLoading(stage="warm-up", detail="a step needs a graph anew and waits for it"))
        await until(pilot, lambda: "compiling  warm-up" in shown(app))
        app.bridge.add_event(Failed(where="step", message="no compiler"))
        await until(pilot, lambda: "! no compiler" in shown(app) and "warm-up" not in shown(app))
        app.bridge.add_command(Submit(requests=[GenerationRequest(request_id="r", prompt="x")]))
        sent = []
        app.bridge._client.send = sent.append
        await pilot.press("escape")
        await until(pilot, lambda: sent)
        assert sent == [Abort(request_id="r")]


async def test_a_prompt_waits_for_the_load(tmp_path: Path, until: Wait) -> None:
    app = PlaygroundApp(engine="scripted")
    async with app.run_test(size=(120, 40)) as pilot:
        await send(pilot, "early")
        await until(pilot, lambda: app.bridge.state.requests and not app.bridge.state.requests.unfinished)
        metrics = app.bridge.state.requests["r1"].metrics
        assert metrics.load_s and metrics.ttft_s and metrics.ttft_s > metrics.load_s
        await until(pilot, lambda: "end · 15 tokens" in shown(app))


async def test_the_chat_template_of_what_is_loaded_is_looked_for_once(
    endless: Path, until: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []
    monkeypatch.setattr(conversation, "has_chat_template", looked.append)
    app = PlaygroundApp(engine="scripted", model=str(endless))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "loading endless.jsonl  weights" in shown(app))
        for done in range(3):
            app.bridge.add_event(ModelLoading(stage="weights", done=done, total=9))
            await until(pilot, lambda count=done: f"{count} of 9" in shown(app))
        assert looked == [endless]


async def test_without_colour_nothing_is_lost(monkeypatch: pytest.MonkeyPatch, until: Wait) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = PlaygroundApp(engine="scripted")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.bridge.state.facts)
        await send(pilot, "hello")
        await until(pilot, lambda: "end · 15 tokens" in shown(app))
        await until(pilot, lambda: "  0 ▒A" in shown(app))
        assert app.no_color


async def test_what_the_command_line_trusts_holds_for_every_load(until: Wait) -> None:
    app = PlaygroundApp(engine="scripted", trust_remote_code=True, allow_pickle=True)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.bridge.state.facts)
        await app.session.load("another")
        await until(pilot, lambda: app.bridge.state.facts and app.bridge.state.facts.path == "another")
        load = app.bridge._client.last_load
        assert load and load.model == "another" and load.trust_remote_code and load.allow_pickle


@pytest.mark.parametrize("engine", ["slow", "stuck"])
async def test_a_model_picked_during_a_load_is_loaded_instead(engine: str, until: Wait, tmp_path: Path) -> None:
    app = PlaygroundApp(engine=engine, model="first")
    app.bridge._client._python = write_starter(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        state = app.bridge.state
        await until(pilot, lambda: "loading first  weights" in shown(app))
        await app.session.load("quick")
        if engine == "stuck":
            await until(pilot, lambda: "loading quick  weights" in shown(app))
        else:
            await until(pilot, lambda: state.facts and state.status == "idle")
            assert state.facts.path == "quick"
        assert "the load was stopped" not in shown(app)


async def test_a_load_that_ends_before_it_can_be_stopped_is_followed_by_what_was_picked(until: Wait) -> None:
    app = PlaygroundApp(engine="scripted", model="first")
    async with app.run_test(size=(120, 40)) as pilot:
        state = app.bridge.state
        await app.session.load("second")
        await until(pilot, lambda: state.facts and state.facts.path == "second" and state.status == "idle")
