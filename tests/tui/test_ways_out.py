"""Keys that a new user tries say in one line what they do, or why they do nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from playground.session.recording import Entry
from playground.tui.actions import ACTIONS
from playground.tui.app import PlaygroundApp
from playground.tui.screens.overlays.help import HelpScreen
from playground.tui.widgets.board.board import BatchBoard
from playground.tui.widgets.prompt import Prompt
from tests.tui.cells import shown
from tests.tui.conftest import Opened, Wait
from tests.tui.settling import settle


@pytest.mark.parametrize("screen", ["f2", "f3", "f4", "f5", "f6", "f7"])
async def test_ctrl_c_names_the_key_that_quits(opened: Opened, until: Wait, screen: str) -> None:
    async with opened() as (app, pilot):
        await pilot.press(*"typed", screen)
        await settle(pilot)
        await pilot.press("ctrl+c")
        await until(pilot, lambda: "^Q quits" in shown(app))
        await pilot.press("f2")
        assert app.screen.query_one(Prompt).text == "typed"


async def test_ctrl_c_copies_what_is_selected_in_the_prompt(opened: Opened) -> None:
    async with opened() as (app, pilot):
        await pilot.press(*"typed", "ctrl+shift+left", "ctrl+c")
        assert app.clipboard == "typed" and "^Q quits" not in shown(app)


@pytest.mark.parametrize("stage", ["loading", "idle"])
async def test_a_replay_has_no_prompt_and_nothing_to_stop(
    story: Callable[[str], list[Entry]], until: Wait, stage: str
) -> None:
    app = PlaygroundApp(engine="scripted", replay=story(stage), speed=0)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert not app.screen.query_one(Prompt).is_on_screen and app.focused is None
        assert "Esc cancels" not in shown(app), "nothing stops what was recorded"
        await pilot.press(*"typed", "enter", "escape")
        await until(pilot, lambda: "this is a replay" in shown(app))
        assert app.screen.query_one(Prompt).text == ""
        assert stage == "idle" or "weights  ━" in shown(app), "how far the load is stays to be seen"


async def test_an_empty_recording_loads_nothing() -> None:
    app = PlaygroundApp(engine="scripted", replay=[], speed=0)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("enter", "left", "right", "space", "left")
        assert app.bridge.state.model.loading is None and app.bridge.state.model.pid is None
        assert "ended    0:00.0" in shown(app)


async def test_a_new_conversation_beside_what_runs_is_told(opened: Opened, until: Wait, script: Any) -> None:
    async with opened(script(["word "] * 2000), max_tokens=2000) as (app, pilot):
        await pilot.press("x", "enter")
        await until(pilot, lambda: "word word" in shown(app))
        await pilot.press("ctrl+n")
        await until(pilot, lambda: "a new conversation begins with the next prompt; what runs goes on" in shown(app))
        assert app.bridge.state.requests.unfinished and "word word" in shown(app)


async def test_a_new_conversation_begins_in_the_prompt(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        app.screen.query_one(BatchBoard).focus()
        await pilot.press("ctrl+n", *"next")
        await until(pilot, lambda: app.screen.query_one(Prompt).text == "next")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_footer_leads_to_the_palette_and_to_every_screen(
    size: tuple[int, int], opened: Opened, until: Wait
) -> None:
    async with opened(size=size) as (app, pilot):
        for key in ("f2", "f3", "f4", "f5", "f6"):
            await pilot.press(key)
            await until(pilot, lambda: "^P Palette  F" in shown(app).splitlines()[-1])
            assert shown(app).splitlines()[-1].rstrip().endswith(("F2–F7 Screens", "F7 History"))


async def test_the_footer_of_a_wide_terminal_has_every_key_of_use(opened: Opened, until: Wait) -> None:
    def footer(app: PlaygroundApp) -> str:
        return shown(app).splitlines()[-1]

    async with opened(size=(120, 40)) as (app, pilot):
        await until(pilot, lambda: "Tab Panels  F8 Chat  ^N New" in footer(app) and "Maximize" not in footer(app))
        await pilot.press("tab")
        await until(pilot, lambda: "z Maximize" in footer(app))
        assert app.focused is not app.screen.query_one(Prompt)
        await pilot.press("f3")
        await until(pilot, lambda: "Tab Panels" in footer(app))


@pytest.mark.parametrize("width", [14, 80])
async def test_a_footer_too_narrow_for_them_shows_what_fits(width: int, opened: Opened, until: Wait) -> None:
    async with opened(size=(width, 24)) as (app, pilot):
        await until(pilot, lambda: "Enter" in shown(app).splitlines()[-1])


async def test_a_picture_in_a_folder_that_is_gone_is_refused(
    opened: Opened, until: Wait, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    async with opened() as (app, pilot):
        (tmp_path / "gone").rmdir()
        app.screen.action_do("picture")
        await until(pilot, lambda: "no picture can be written to the working folder: No such file" in shown(app))


async def test_the_palette_over_an_overlay_acts_on_the_screen_below(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await pilot.press("ctrl+p", *"stop the newest")
        await until(pilot, lambda: "not now: nothing runs that could be stopped" in shown(app))
        await pilot.press("escape", "ctrl+p", *"record")
        await until(pilot, lambda: "Record" in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.bridge.state.recording)


def test_help_says_how_a_letter_is_no_text() -> None:
    assert "Tab leaves the prompt" in ACTIONS["maximize"].description
