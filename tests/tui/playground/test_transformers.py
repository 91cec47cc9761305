"""The Playground screen on the real engine: conflicting values are greyed with the reason; rebuild restores the KV."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

from textual.command import CommandList, CommandPalette
from textual.pilot import Pilot

from playground.preset import Preset
from playground.protocol.commands import SamplingParams
from playground.protocol.events import ModelLoading
from playground.protocol.options import TOGGLES, EngineOptions
from playground.protocol.wire import AnyEvent
from playground.tui.app import PlaygroundApp
from playground.tui.screens.playground.screen import PlaygroundScreen
from playground.tui.widgets.toggle_panel import TogglePanel
from tests.engine.transformers import checkpoints
from tests.tui.cells import shown
from tests.tui.conftest import Wait

LONG = SamplingParams(max_tokens=8000, ignore_eos=True)
BLOCK = EngineOptions().block_size


async def test_pairs_are_greyed_rebuild_mends_and_a_stopped_load_brings_it_back(until: Wait, tmp_path: Path) -> None:
    preset = Preset(title="", summary="", sampling=LONG, prompts=[])
    app = PlaygroundApp(engine="transformers", options=EngineOptions(dtype="float32"), preset=preset)
    async with app.run_test(size=(120, 40)) as pilot:
        state = app.bridge.state
        await until(pilot, lambda: state.facts and state.toggles.effective, seconds=120)
        await pilot.press(*"def", "enter")
        await until(pilot, lambda: state.requests.unfinished and state.requests.unfinished[0].tokens > BLOCK)
        await rebuilt(pilot, until)
        await pilot.press("escape")
        await until(pilot, lambda: state.status == "idle")
        await switched(pilot, until, "speculation", "right", "lookup:4")
        await greyed(pilot, until, "batching", "static", "rows of a static batch advance together")
        assert state.toggles.requested.batching == "continuous"
        await switched(pilot, until, "speculation", "left", "off")
        panel = await at(pilot, until, "batching")
        await pilot.press("right")
        await until(pilot, lambda: panel.candidate)
        assert panel.candidate.reason == "", "it is possible again"
        await switched(pilot, until, "kv_cache", "left", "int2")
        await stopped_load(pilot, until, tmp_path / "other")


async def stopped_load(pilot: Pilot[None], until: Wait, folder: Path) -> None:
    """Esc while another checkpoint loads: the previous model comes back with its toggles, and answers."""
    app, state = pilot.app, pilot.app.bridge.state
    kept, effective, asked = state.facts, state.toggles.effective, len(state.requests)

    def hold(event: AnyEvent) -> None:  # however slow the keys and quick the load
        if isinstance(event, ModelLoading) and event.stage == "weights":
            os.kill(state.model.pid, signal.SIGSTOP)

    app.bridge.listen(hold)
    await app.session.load(str(checkpoints.make(folder, layers=48, hidden=256, inner=512)))
    await until(pilot, lambda: state.model.progress and state.model.progress.stage == "weights", 60)
    app.bridge.unlisten(hold)
    assert app.screen.query_one(TogglePanel).has_focus
    held = state.model.pid
    await pilot.press("escape")
    with suppress(ProcessLookupError):  # it was too long until here, and it was replaced
        os.kill(held, signal.SIGCONT)
    await until(pilot, lambda: state.facts and state.facts.path == kept.path, 60)
    await until(pilot, lambda: state.toggles.effective == effective and state.status == "idle")
    assert state.facts.path == kept.path
    app.session.submit("def")
    await until(
        pilot,
        lambda: len(state.requests) > asked and state.requests.unfinished and state.requests.unfinished[0].tokens,
        60,
    )


async def switched(pilot: Pilot[None], until: Wait, name: str, key: str, value: str) -> None:
    """Switches to the next value, and waits for it in the state and in the panel, which is drawn a moment later."""
    state = pilot.app.bridge.state
    panel = await at(pilot, until, name)
    await pilot.press(key)
    await until(pilot, lambda: panel.candidate and panel.candidate.value == value)
    await pilot.press("enter")
    await until(pilot, lambda: not state.toggles.switching and getattr(state.toggles.requested, name) == value, 60)
    await until(pilot, lambda: row(panel, name).requested == value)


async def greyed(pilot: Pilot[None], until: Wait, name: str, value: str, reason: str) -> None:
    """With speculation on, `name=value` says why it is not possible, in the panel and on Enter, and is not sent."""
    panel, wanted = await at(pilot, until, name), f"it does not go with speculation=lookup: {reason}"
    await pilot.press("right")
    await until(pilot, lambda: panel.candidate and panel.candidate.value == value)
    assert panel.candidate.reason.startswith(wanted)
    assert f"{value}: {wanted}" in " ".join(panel.render().plain.split())
    await until(pilot, lambda: "not possible: it does not go with" in shown(pilot.app))
    await pilot.press("enter")
    await until(pilot, lambda: f"{name} cannot be {value}: {wanted}" in shown(pilot.app))


async def rebuilt(pilot: Pilot[None], until: Wait) -> None:
    """Requests that went through int2 are marked until the palette's rebuild computes them again."""
    state, app = pilot.app.bridge.state, pilot.app
    await switched(pilot, until, "kv_cache", "left", "int2")
    await switched(pilot, until, "kv_cache", "right", "model")
    assert state.toggles.effective["kv_cache"] == "model (from int2)"
    panel = await at(pilot, until, "kv_cache")
    await until(pilot, lambda: row(panel, "kv_cache").value == "model (from int2)")
    drawn = " ".join(panel.render().plain.split())
    assert "model (from int2): what a coarser cache lost does not come back" in drawn
    made = state.requests.unfinished[0].tokens
    await pilot.press("ctrl+p")
    await until(pilot, lambda: isinstance(app.screen, CommandPalette))
    await pilot.press(*"reb")
    await until(pilot, lambda: offered(pilot) == "Rebuild KV")
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(app.screen, PlaygroundScreen))
    await until(
        pilot, lambda: state.toggles.effective["kv_cache"] == "model" and "kv_cache" not in state.toggles.reasons
    )
    await until(pilot, lambda: state.requests.unfinished[0].tokens > made + 5)
    await until(pilot, lambda: row(panel, "kv_cache").value == "model")
    assert "(from" not in panel.render().plain


async def at(pilot: Pilot[None], until: Wait, name: str) -> TogglePanel:
    """Puts the panel's cursor on a toggle."""
    panel = pilot.app.screen.query_one(TogglePanel)
    panel.focus()
    await until(pilot, lambda: panel.has_focus)
    down = list(TOGGLES).index(name) - panel._cursor
    await pilot.press(*["down"] * down, *["up"] * -down)
    await until(pilot, lambda: panel._rows[panel._cursor].name == name)
    return panel


def row(panel: TogglePanel, name: str) -> Any:
    """What the panel draws of a toggle."""
    return next(each for each in panel._rows if each.name == name)


def offered(pilot: Pilot[None]) -> str | None:
    """What Enter would do in the palette."""
    found = pilot.app.screen.query_one(CommandList)
    return None if found.highlighted is None else str(found.highlighted_option.hit.text)  # type: ignore[union-attr]
