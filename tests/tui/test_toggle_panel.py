"""The toggle panel says what a toggle does and which keys work, and never cuts what matters."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.widgets import Input

from playground.protocol.capabilities import ToggleSupport, ValueSupport
from playground.protocol.commands import SetOptions
from playground.protocol.events import OptionsApplied
from playground.protocol.options import TOGGLES, EngineOptions, as_text
from playground.session.recording import Entry
from playground.tui.app import PlaygroundApp
from playground.tui.state.state import State
from playground.tui.widgets.text_entry import TextEntry
from playground.tui.widgets.toggle_panel import TogglePanel
from tests.tui.cells import shown
from tests.tui.conftest import Opened, Wait
from tests.tui.settling import settle


def _panel(app: PlaygroundApp) -> str:
    return app.screen.query_one(TogglePanel).render().plain


def test_every_toggle_says_in_a_line_what_it_is() -> None:
    assert [name for name, toggle in TOGGLES.items() if not 0 < len(toggle.about) <= 60] == []


def test_a_threshold_of_0_is_told() -> None:
    assert TOGGLES["int8_threshold"].about.endswith("; 0: all are")


async def test_the_panels_say_the_keys_that_work_now(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        await until(pilot, lambda: "^G goes to the toggles" in shown(app))
        assert TOGGLES["weights"].about not in _panel(app)
        await pilot.press("ctrl+g")
        await until(pilot, lambda: "↑↓ choose" in shown(app) and "Enter switches" in shown(app))
        assert "^G goes to the toggles" not in shown(app)
        await pilot.press(*["down"] * 6)
        await until(pilot, lambda: "at any step" in _panel(app) and "--set batching=continuous" in _panel(app))
        await pilot.press("escape")
        await until(pilot, lambda: "^G goes to the toggles" in shown(app))


async def test_what_has_no_listed_values_is_typed(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        blocks = ToggleSupport(name="kv_blocks", cost="cache", values=[ValueSupport(value="auto")], form="auto or N")
        app.bridge.state.capabilities.toggles.append(blocks)
        await pilot.press("ctrl+g", *["down"] * 4)
        await until(pilot, lambda: "e types a value" in _panel(app))
        assert "--set kv_blocks" not in _panel(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, TextEntry))


async def test_typing_begins_with_the_value_that_is_looked_at(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        panel = app.screen.query_one(TogglePanel)
        await pilot.press("ctrl+g")
        for _ in app.bridge.state.capabilities.toggles:
            await pilot.press("down", "right")
            if panel.candidate:
                break
        looked_at = panel.candidate
        assert looked_at
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, TextEntry))
        assert app.screen.query_one(Input).value == looked_at.value


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
async def test_what_the_kv_cache_came_from_is_always_seen(
    story: Callable[[str], list[Entry]], until: Wait, size: tuple[int, int]
) -> None:
    app = PlaygroundApp(engine="transformers", replay=story("idle"), speed=0)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        state = app.bridge.state
        state.replaying = False  # the keys are there
        _lose_bits(state)
        app.screen.query_one(TogglePanel).show(state)
        await pilot.press("ctrl+g", "down")
        await until(pilot, lambda: "int2" in _row(app, "KV cache"))
        assert "^W" in _row(app, "weights"), "where there is room the key stays"
        await pilot.press("down", "down")
        await until(pilot, lambda: "model was asked for" in " ".join(_panel(app).split()))


def _lose_bits(state: State) -> None:
    state.add_command(SetOptions(changes={}), 0.0)
    effective = as_text(EngineOptions()) | {"kv_cache": "model (from int2)"}
    state.add_event(OptionsApplied(changed=[], requested=EngineOptions(), effective=effective), 0.0)


def _row(app: PlaygroundApp, label: str) -> str:
    return next(line for line in _panel(app).splitlines() if line.startswith(label))
