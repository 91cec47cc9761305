"""The keys of a replay on the screens: what they do, where they are told, and to whom they belong."""

from __future__ import annotations

import pytest

from playground.tui.app import PlaygroundApp
from playground.tui.widgets.board.board import BatchBoard
from playground.tui.widgets.inside.outliers import OutlierPanel
from playground.tui.widgets.key_bar import KeyBar
from playground.tui.widgets.replay_bar import ReplayBar
from tests.tui.cells import shown
from tests.tui.conftest import Opened, Story, Wait
from tests.tui.settling import settle

REPLAYED_SCREENS = ["f2", "f3", "f4", "f6"]


def footer(app: PlaygroundApp) -> str:
    return app.screen.query_one(KeyBar).render().plain


@pytest.mark.parametrize("screen", REPLAYED_SCREENS)
async def test_space_holds_it_and_lets_it_go_on(story: Story, until: Wait, screen: str) -> None:
    app = PlaygroundApp(engine="scripted", replay=story("failed"), speed=0.1)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(screen)
        await until(pilot, lambda: app.screen.query(ReplayBar) and "playing" in shown(app))
        await pilot.press("space")
        await until(pilot, lambda: "paused" in shown(app))
        assert "Space Pause, play" in footer(app) and "0.1x" in shown(app)
        held = app.bridge.replay.position
        await pilot.pause(0.3)
        assert app.bridge.replay.position == held < 1
        await pilot.press("space")
        await until(pilot, lambda: "playing" in shown(app) and app.bridge.replay.position > held)


async def test_steps_speed_and_jumps_are_seen(story: Story, until: Wait) -> None:
    app = PlaygroundApp(engine="scripted", replay=story("failed"), speed=0.1)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("space", "right")
        await until(pilot, lambda: "step 0 " in shown(app) and "paused" in shown(app))
        await pilot.press("right", "plus")
        await until(pilot, lambda: "step 1 " in shown(app) and "0.25x" in shown(app))
        await pilot.press("minus", "left")
        await until(pilot, lambda: "step – " in shown(app) and "0:00.0" in shown(app) and "0.1x" in shown(app))
        assert "add" not in shown(app), "the answer that was there is gone"
        await pilot.press("space", "right")
        await until(pilot, lambda: "ended    0:01.5" in shown(app))
        assert "Space plays it again   ^Q quits" in shown(app)
        once = shown(app)
        await pilot.press("space", "right")
        await until(pilot, lambda: shown(app) == once)


async def test_a_panel_with_the_focus_has_its_own_keys_first(story: Story) -> None:
    app = PlaygroundApp(engine="scripted", replay=story("streaming"), speed=0)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        assert "←→ Jump, step  +- Speed" in footer(app)
        app.screen.query_one("#batch").focus()
        await pilot.pause()
        assert "Jump" not in footer(app) and "Speed" not in footer(app) and footer(app).count("Space") == 1
        await pilot.press("left")
        assert app.screen.query_one("#batch", BatchBoard).view.cursor and app.bridge.replay.ended
        await pilot.press("escape", "left")
        assert not app.bridge.replay.ended and app.focused is None


async def test_arrows_move_the_threshold_or_else_the_replay(story: Story) -> None:
    app = PlaygroundApp(engine="scripted", replay=story("streaming"), speed=0)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await pilot.press("f6", "left")
        outliers = app.screen.query_one(OutlierPanel)
        assert outliers.threshold == 5.5 and app.bridge.replay.ended
        app.screen.query_one("#roofline").focus()
        await pilot.press("left")
        assert outliers.threshold == 5.5 and not app.bridge.replay.ended


@pytest.mark.parametrize("columns", [60, 80, 200])
async def test_after_the_end_the_keys_that_go_on_are_told(story: Story, columns: int) -> None:
    app = PlaygroundApp(engine="scripted", replay=story("streaming"), speed=0)
    async with app.run_test(size=(columns, 20)) as pilot:
        await settle(pilot)
        [line] = [line for line in shown(app).splitlines() if "ended" in line]
        assert line.rstrip().endswith("Space plays it again   ^Q quits")


@pytest.mark.parametrize("screen", REPLAYED_SCREENS)
async def test_help_tells_them_in_a_replay_alone(opened: Opened, story: Story, screen: str) -> None:
    app = PlaygroundApp(engine="scripted", replay=story("idle"), speed=0)
    async with app.run_test(size=(120, 60)) as pilot:
        await settle(pilot)
        await pilot.press(screen, "f1")
        await settle(pilot)
        assert "In the replay" in shown(app) and "next step of the engine" in shown(app)
    async with opened(size=(120, 60)) as (live, pilot):
        await pilot.press(screen)
        await settle(pilot)
        assert not live.screen.query(ReplayBar) and "Jump" not in footer(live)
        await pilot.press("space", "left", "plus")
        assert "replay" not in shown(live)
        await pilot.press("f1")
        await settle(pilot)
        assert "In the replay" not in shown(live)
