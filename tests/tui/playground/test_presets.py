"""Presets are chosen from the palette: they act on what runs, and a wrong file says what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from playground import paths
from playground.preset import Preset
from playground.protocol.commands import LoadModel, SamplingParams, SetOptions
from playground.protocol.wire import AnyCommand
from playground.session.history.run import Run
from playground.tui.app import PlaygroundApp
from playground.tui.session import NotNow
from playground.tui.setups import apply_preset, recall_run
from playground.tui.widgets.notice import Notice
from playground.tui.widgets.prompt import Prompt
from playground.tui.widgets.speed.panel import SpeedPanel
from tests.tui.cells import shown
from tests.tui.conftest import Opened, Wait

MINE = """title = "Mine"
summary = "Two slots."
prompts = ["subtract", "multiply"]
[options]
kv_cache = "int8"
max_batch = 2
[sampling]
max_tokens = 7
[view]
big_numbers = true
"""


def _write(name: str, text: str) -> Path:
    folder = paths.config_folder() / "presets"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.toml"
    path.write_text(text)
    return path


def _sent(app: PlaygroundApp) -> list[AnyCommand]:
    """What the app sends from now on."""
    sent, send = list[AnyCommand](), app.bridge.send

    def note(command: AnyCommand) -> None:
        sent.append(command)
        send(command)

    app.bridge.send = note  # type: ignore[method-assign]
    return sent


async def test_a_preset_applies_to_what_is_loaded_and_keeps_what_is_typed(opened: Opened, until: Wait) -> None:
    _write("mine", MINE)
    async with opened() as (app, pilot):
        state, sent = app.bridge.state, _sent(app)
        await pilot.press(*"draft", "ctrl+p", *"mine")
        await until(pilot, lambda: "Preset  Mine" in shown(app) and "Two slots." in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: state.toggles.effective.get("kv_cache") == "int8")
        assert sent == [SetOptions(changes={"kv_cache": "int8", "max_batch": 2})]
        assert "Mine: Two slots. ↑ brings its prompts." in app.screen.query_one(Notice).render().plain
        assert app.session.sampling.max_tokens == 7 and app.screen.query_one(SpeedPanel).larger
        prompt = app.screen.query_one(Prompt)
        assert prompt.text == "draft"
        await pilot.press("up")
        assert prompt.text == "multiply"
        await pilot.press("down")
        assert prompt.text == "draft"


async def test_another_screen_leads_to_the_playground(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        await pilot.press("f7", "ctrl+p", *"low mem")
        await until(pilot, lambda: "Preset  Low memory" in shown(app))
        await pilot.press("enter")
        # The scripted engine has no weights to convert: its refusal is shown, as that of any switch.
        await until(pilot, lambda: app.current_mode == "playground" and "weights cannot change" in shown(app))


async def test_another_model_is_loaded_with_the_options(opened: Opened, until: Wait) -> None:
    _write("mine", MINE.replace("[options]", 'model = "other"\n[options]'))
    async with opened() as (app, pilot):
        sent = _sent(app)
        await pilot.press("ctrl+p", *"mine")
        await until(pilot, lambda: "Preset  Mine" in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: sent)
        [load] = sent
        assert isinstance(load, LoadModel) and (load.model, load.options.max_batch) == ("other", 2)


async def test_a_wrong_file_is_named_with_its_line_and_key(opened: Opened, until: Wait) -> None:
    path = _write("mine", MINE.replace("max_batch = 2", "max_batch = 0"))
    async with opened() as (app, pilot):
        await pilot.press("ctrl+p", *"mine")
        await until(pilot, lambda: "Preset  mine" in shown(app))
        await pilot.press("enter")
        notice = app.screen_stack[0].query_one(Notice)
        await until(pilot, lambda: f"! {path}:6: options.max_batch: max_batch cannot be '0'" in notice.render().plain)


async def test_while_a_switch_is_under_way_nothing_is_applied(opened: Opened, until: Wait) -> None:
    """What the switch leads to is not known yet, so neither is what would have to change."""
    async with opened() as (app, _):
        app.bridge.mirror(SetOptions(changes={"kv_cache": "int8"}))
        sent, sampling = _sent(app), app.session.sampling
        for apply in (
            apply_preset(app.session, Preset(title="Mine", summary="", sampling=SamplingParams(max_tokens=7))),
            recall_run(app.session, Run(at=0.0, kind="chat", model="m", prompt="hi")),
        ):
            with pytest.raises(NotNow, match="an option is being switched; choose again at its end"):
                await apply
        assert not sent and app.session.sampling == sampling and not app.session.draft


async def test_a_preset_for_another_engine_is_refused(opened: Opened, until: Wait) -> None:
    _write("mine", 'engine = "vllm"\n' + MINE)
    async with opened() as (app, pilot):
        await pilot.press("ctrl+p", *"mine")
        await until(pilot, lambda: "Preset  Mine" in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: "Mine is for the vllm engine, and this session is on scripted" in shown(app))
        assert app.bridge.state.toggles.requested.max_batch == 8 and app.session.sampling.max_tokens != 7
