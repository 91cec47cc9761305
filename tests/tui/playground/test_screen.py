"""The Playground screen on a real worker: type, stream, flip, stop, break, mend."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import get_args

import pytest
from textual.command import CommandPalette

from playground.protocol.events import Failed
from playground.protocol.metrics import FORMULAS
from playground.session.replay import read_recording
from playground.tui.actions import ScreenName
from playground.tui.app import PlaygroundApp
from playground.tui.screens.overlays.help import HelpScreen, help_text
from playground.tui.screens.overlays.log import LogScreen
from playground.tui.screens.overlays.model_picker import ModelPicker
from playground.tui.state.state import State
from playground.tui.widgets.notice import Notice
from playground.tui.widgets.prompt import Prompt
from tests.tui.cells import shown
from tests.tui.conftest import Opened, Script, Wait
from tests.tui.sending import send

WORDS = ["word "] * 2000


async def test_a_prompt_streams_and_its_numbers_appear(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        await pilot.press(*"hello", "enter")
        await until(pilot, lambda: "add_numbers" in shown(app) and app.bridge.state.status == "idle")
        text = shown(app)
        assert "hello" in text and "tok/s" in text and "end · 15 tokens ·\N{NO-BREAK SPACE}" in text
        assert app.screen.query_one(Prompt).text == ""


async def test_several_requests_run_at_once_and_stop_one_by_one(opened: Opened, script: Script, until: Wait) -> None:
    async with opened(script(WORDS), max_tokens=2000) as (app, pilot):
        await send(pilot, "one")
        await send(pilot, "two")
        await until(pilot, lambda: all(request.tokens for request in app.bridge.state.requests.values()))
        await until(pilot, lambda: "A B running" in shown(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.bridge.state.requests["r2"].finished)
        assert not app.bridge.state.requests["r1"].finished
        await pilot.press("escape")
        await until(pilot, lambda: app.bridge.state.status == "idle")
        assert {request.finished.reason for request in app.bridge.state.requests.values()} == {"abort"}
        await until(pilot, lambda: "stopped ·" in shown(app))
        await until(
            pilot, lambda: sum(line.count("┤") for line in shown(app).splitlines()[-14:]) == 2 + 1
        )  # the legend


async def test_keys_flip_toggles_while_text_streams(opened: Opened, script: Script, until: Wait) -> None:
    async with opened(script(WORDS), max_tokens=2000) as (app, pilot):
        state = app.bridge.state
        await send(pilot, "one")
        await until(pilot, lambda: state.requests.unfinished and state.requests.unfinished[0].tokens > 40)
        await pilot.press("ctrl+f", "ctrl+k")
        await until(
            pilot,
            lambda: state.toggles.effective.get("attention") == "eager" and state.toggles.requested.kv_cache == "int8",
        )
        await until(pilot, lambda: state.toggles.switch and "kv_cache model ▸ int8" in shown(app))
        await pilot.press("ctrl+f", "ctrl+k")
        await until(pilot, lambda: state.toggles.effective.get("attention") == "sdpa-flash")
        assert state.requests.unfinished, "the request goes on through every switch"


async def test_a_toggle_is_chosen_with_the_arrows(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        await pilot.press("ctrl+g", *["down"] * 6)
        await until(pilot, lambda: "--set batching=continuous" in shown(app))
        await pilot.press("right", "enter")
        await until(pilot, lambda: app.bridge.state.toggles.requested.batching == "static")
        await pilot.press("down", "e", "ctrl+a", "delete", *"999", "enter")
        await until(pilot, lambda: "cannot be '999'" in shown(app))
        await pilot.press("backspace", "backspace", "enter")
        await until(pilot, lambda: app.bridge.state.toggles.requested.max_batch == 9)


async def test_a_greyed_value_says_why_and_is_not_sent(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        await pilot.press("ctrl+g", "right")
        await until(pilot, lambda: "not possible: the scripted engine" in shown(app))
        await pilot.press("enter", "ctrl+w")
        await until(pilot, lambda: "weights cannot be int8: the scripted engine has no model" in shown(app))
        assert app.bridge.state.toggles.requested.weights == "model"
        assert "^W" not in shown(app), "what cannot be done is not in the footer"


async def test_a_reason_longer_than_a_line_is_seen_to_its_end(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        app.screen.query_one(Notice).say("a reason that goes on " * 6 + "and on to the very end")
        await until(pilot, lambda: "the very end" in shown(app))
        app.screen.query_one(Notice).say("a short one")
        await until(pilot, lambda: app.screen.query_one(Notice).size.height == 1)


async def test_a_killed_worker_is_told_of_and_one_key_brings_it_back(
    opened: Opened, script: Script, until: Wait
) -> None:
    async with opened(script(WORDS), max_tokens=2000) as (app, pilot):
        state = app.bridge.state
        await pilot.press("ctrl+f")
        await until(pilot, lambda: state.toggles.requested.attention == "eager")
        await send(pilot, "do not lose me")
        await until(pilot, lambda: state.requests.unfinished and state.requests.unfinished[0].tokens)
        os.kill(state.model.pid, signal.SIGKILL)
        await until(pilot, lambda: "SIGKILL" in shown(app) and "^Y" in shown(app))
        assert state.status == "failed" and "failed" in shown(app)
        assert app.screen.query_one(Prompt).text == "do not lose me"
        await pilot.press("ctrl+y")
        await until(pilot, lambda: state.status == "idle" and state.toggles.effective.get("attention") == "eager")
        await pilot.press("enter")
        await until(pilot, lambda: state.requests.unfinished and state.requests.unfinished[0].tokens)


async def test_a_model_that_cannot_be_loaded_leaves_what_was_typed(opened: Opened, until: Wait, tmp_path: Path) -> None:
    async with opened(str(tmp_path / "missing.jsonl")) as (app, pilot):
        await until(pilot, lambda: "cannot read" in shown(app))
        assert app.bridge.state.status == "failed"
        await send(pilot, "keep this")
        await until(pilot, lambda: "no model is loaded" in shown(app))
        assert app.screen.query_one(Prompt).text == "keep this"


async def test_a_model_is_picked_by_typing_its_path(opened: Opened, script: Script, until: Wait) -> None:
    async with opened() as (app, pilot):
        await pilot.press("ctrl+o")
        await until(pilot, lambda: isinstance(app.screen, ModelPicker))
        path = script(["other ", "answer"])
        await pilot.press(*["slash" if letter == "/" else letter for letter in path], "enter")
        await until(pilot, lambda: app.bridge.state.facts and app.bridge.state.facts.path == path)
        await send(pilot, "hello")
        await until(pilot, lambda: "other answer" in shown(app))


async def test_a_path_that_is_not_there_leaves_the_model_and_its_board(
    opened: Opened, script: Script, until: Wait
) -> None:
    async with opened(script(WORDS), max_tokens=20) as (app, pilot):
        await send(pilot, "one")
        await until(pilot, lambda: app.bridge.state.requests and not app.bridge.state.requests.unfinished)
        before, step = app.bridge.state.facts, app.bridge.state.last_step
        await pilot.press("ctrl+o")
        await until(pilot, lambda: isinstance(app.screen, ModelPicker))
        await pilot.press(*["slash" if letter == "/" else letter for letter in "/nope/nothing"], "enter")
        await until(pilot, lambda: "there is no /nope/nothing" in shown(app))
        assert (
            app.bridge.state.facts is before
            and app.bridge.state.last_step is step
            and not app.bridge.state.model.loading
        )


async def test_an_empty_prompt_is_refused_in_one_line(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        await pilot.press("space", "enter")
        await until(pilot, lambda: "the prompt is empty" in shown(app))
        assert not app.bridge.state.requests


async def test_what_was_stopped_on_request_is_no_fault(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        app.bridge.report_fault(Failed(where="SetOptions", message="stopped on request", stopped=True))
        await until(pilot, lambda: "stopped on request" in shown(app))
        assert "! stopped" not in shown(app)
        app.bridge.report_fault(Failed(where="SetOptions", message="no room"))
        await until(pilot, lambda: "! no room" in shown(app))


async def test_a_refused_request_gives_the_prompt_back(opened: Opened, until: Wait) -> None:
    async with opened(max_tokens=64) as (app, pilot):
        await send(pilot, "word " * 5000)
        await until(pilot, lambda: "context is 4096; shorten it" in " ".join(shown(app).split()))
        assert app.screen.query_one(Prompt).text.startswith("word word")


async def test_hostile_text_stays_text(opened: Opened, script: Script, until: Wait) -> None:
    pieces = ["[bold red]not markup[/]", " \x1b[31mnot", " red\x1b]0;title\x07", "\x9b2J\r", " [@click=app.quit]x[/]"]
    async with opened(script(pieces)) as (app, pilot):
        await send(pilot, "[b]hi[/b]\x1b[0m")
        await until(pilot, lambda: "end ·" in shown(app))
        text = shown(app)
        assert "[b]hi[/b][0m" in text and "[bold red]not markup[/] [31mnot" in text
        assert not set(map(chr, range(32))) - {"\n"} & set(text)


async def test_the_terminal_may_become_tiny_and_large_again(opened: Opened, script: Script, until: Wait) -> None:
    async with opened(script(WORDS), max_tokens=2000) as (app, pilot):
        await send(pilot, "one")
        for size in ((20, 5), (1, 1), (250, 70), (80, 24), (20, 5), (120, 40)):
            await pilot.resize_terminal(*size)
            await pilot.press("ctrl+g", "ctrl+g")
            await pilot.pause(0.1)
        assert "word word" in shown(app)


async def test_what_is_recorded_can_be_replayed(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        await pilot.press("ctrl+r")
        path = Path(app.bridge.state.recording)
        await until(pilot, lambda: "REC" in shown(app))
        await until(pilot, lambda: "MachineSampled" in path.read_text())
        await send(pilot, "hello")
        await until(pilot, lambda: app.bridge.state.requests and not app.bridge.state.requests.unfinished)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: f"recorded to {path}"[:60] in " ".join(shown(app).split()))
        live = app.bridge.state
    replayed = PlaygroundApp(engine="scripted", replay=read_recording(path), speed=0)
    async with replayed.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "REPLAY" in shown(replayed) and "end · 15 tokens" in shown(replayed))
        state = replayed.bridge.state
        assert state.requests["r1"].text == live.requests["r1"].text
        assert state.requests["r1"].finished == live.requests["r1"].finished
        assert state.machine.host.total == live.machine.host.total
        await pilot.press("ctrl+k")
        await until(pilot, lambda: "this is a replay" in shown(replayed))


async def test_base_and_chat_are_shown_and_sent(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        await send(pilot, "first")
        await until(pilot, lambda: app.bridge.state.requests and not app.bridge.state.requests.unfinished)
        await send(pilot, "second")
        await until(pilot, lambda: len(app.bridge.state.requests) == 2 and not app.bridge.state.requests.unfinished)
        metrics = [request.metrics.prompt_tokens for request in app.bridge.state.requests.values()]
        assert metrics[1] > metrics[0] + 1, "a chat sends what was said before"
        await pilot.press("f8")
        await send(pilot, "third")
        await until(pilot, lambda: len(app.bridge.state.requests) == 3 and not app.bridge.state.requests.unfinished)
        assert app.bridge.state.requests["r3"].metrics.prompt_tokens == 1
        await until(pilot, lambda: "base  third" in shown(app))


async def test_overlays_open_and_close(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        for key, screen, words in (("f1", HelpScreen, "TTFT"), ("ctrl+l", LogScreen, "engine-")):
            await pilot.press(key)
            await until(
                pilot, lambda screen=screen, words=words: isinstance(app.screen, screen) and words in shown(app)
            )
            await pilot.press("escape")
            await until(pilot, lambda screen=screen: not isinstance(app.screen, screen))


def test_help_tells_the_keys_of_one_screen_once_and_keeps_labels_apart() -> None:
    for name in get_args(ScreenName):
        lines = help_text(State(), name, 400).plain.splitlines()
        keys = [line[:22].split() for line in lines[1 : lines.index("")]]
        assert len({tuple(key[:1]) for key in keys}) == len(keys), "no key stands there twice"
        assert not {"right", "minus", "down"} & {line.split(" ")[0] for line in lines if line}
    assert all(any(line.startswith(f"{name}  ") for line in lines) for name in FORMULAS)


@pytest.mark.parametrize("width", [60, 90, 108])
def test_help_wraps_into_the_column_of_what_is_said(width: int) -> None:
    lines = help_text(State(), "playground", width).plain.splitlines()
    numbers = lines[lines.index("Numbers") + 1 :]
    column = max(map(len, FORMULAS)) + 2
    assert len(numbers) > len(FORMULAS) and all(len(line) <= width for line in lines)
    assert [line[:column].rstrip() for line in numbers if line[:column].strip()] == list(FORMULAS)


async def test_a_state_folder_that_cannot_be_written_costs_the_log_alone(
    opened: Opened, until: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/nowhere")
    async with opened() as (app, pilot):
        await until(pilot, lambda: "so there is no log; XDG_STATE_HOME names another folder" in shown(app))
        await send(pilot, "hello")
        await until(pilot, lambda: "add_numbers" in shown(app) and app.bridge.state.status == "idle")


async def test_help_is_there_down_to_its_last_line(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen) and "On this screen" in shown(app))
        await pilot.press("end")
        await until(pilot, lambda: "device used: NVML v2" in shown(app))


def test_help_says_what_the_board_draws_where_there_is_one() -> None:
    there = {name for name in get_args(ScreenName) if "preempted: its blocks" in help_text(State(), name, 400).plain}
    assert there == {"playground", "batching"}


async def test_a_picture_of_the_screen_is_one_command_of_the_palette(
    opened: Opened, until: Wait, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with opened(size=(200, 60)) as (app, pilot):
        for taken in (1, 2):
            await pilot.press("ctrl+p")
            await until(pilot, lambda: isinstance(app.screen, CommandPalette))
            await pilot.press(*"picture")
            await until(pilot, lambda: "Save a picture of the screen" in shown(app))
            await pilot.press("enter")
            await until(pilot, lambda count=taken: len(list(tmp_path.glob("*.svg"))) == count)
            newest = max(tmp_path.glob("*.svg"))
            await until(pilot, lambda path=newest: f"picture written to {path}" in shown(app))
            text = newest.read_text()
            assert "Toggles" in text and "Search for" not in text, "the screen, not the palette above it"
        monkeypatch.setattr(app, "save_screenshot", _refuse)
        app.screen.action_do("picture")
        await until(pilot, lambda: "no picture can be written to" in shown(app))


def _refuse(path: str) -> str:
    raise PermissionError(13, "Permission denied")


@pytest.mark.parametrize("width", [80, 120])
async def test_no_process_stays_behind(opened: Opened, width: int) -> None:
    async with opened(size=(width, 24)) as (app, pilot):
        pid = app.bridge.state.model.pid
        await pilot.press("ctrl+q")
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
