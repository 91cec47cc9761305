"""Snapshots of the Playground screen: idle, loading, streaming, after a switch, failed; a fixed session replayed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from playground.protocol.commands import SamplingParams
from playground.protocol.events import OptionsApplied
from playground.session.replay import read_recording
from playground.tui.app import PlaygroundApp
from playground.tui.screens.overlays.sampling import SamplingScreen
from playground.tui.widgets.prompt_bar import PromptBar
from tests.tui.conftest import Story
from tests.tui.settling import settle

SIZES = [(80, 24), (120, 40)]
# playground record FILE --preset lecture-kv-cache: four of its prompts, ^K a second later; ends while they run
RECORDED = Path(__file__).parents[2] / "recordings" / "kv-switch.jsonl"
FACTS = "no reference of this checkpoint yet; a plain start makes one"


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40"])
@pytest.mark.parametrize("stage", ["idle", "loading", "streaming", "switched", "failed"])
def test_stage(
    snap_compare: Callable[..., bool], story: Story, stage: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")
    app = PlaygroundApp(engine="transformers", replay=story(stage), speed=0)
    assert snap_compare(app, terminal_size=size, run_before=settle)


def test_four_requests_as_they_were_recorded(
    snap_compare: Callable[..., bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The README's picture: the bundled model, its KV cache switched in flight."""
    monkeypatch.setenv("COLORTERM", "truecolor")
    app = PlaygroundApp(engine="transformers", replay=read_recording(RECORDED), speed=0)
    assert snap_compare(app, terminal_size=(120, 40), run_before=settle)


@pytest.mark.parametrize("theme", ["light", "projector", "colour-blind-safe"])
def test_theme(snap_compare: Callable[..., bool], story: Story, theme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")
    app = PlaygroundApp(engine="transformers", replay=story("switched"), speed=0, theme=theme)
    assert snap_compare(app, terminal_size=(120, 40), run_before=settle)


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40"])
def test_sampling(snap_compare: Callable[..., bool], story: Story, size: tuple[int, int]) -> None:
    async def open_sampling(pilot: Pilot[None]) -> None:
        await settle(pilot)
        app.session.sampling = SamplingParams(max_tokens=512, ignore_eos=True, temperature=0.75)
        bar = app.screen.query_one(PromptBar)
        bar.display = True  # as on an engine
        bar.show(True, app.session.sampling)
        app.push_screen(SamplingScreen(app.session))
        await settle(pilot)

    app = PlaygroundApp(engine="transformers", replay=story("idle"), speed=0)
    assert snap_compare(app, terminal_size=size, run_before=open_sampling)


def test_toggles_open_as_a_drawer(snap_compare: Callable[..., bool], story: Story) -> None:
    async def open_drawer(pilot: Pilot[None]) -> None:
        await settle(pilot)
        await pilot.press("ctrl+g", "down", "down", "down")
        await settle(pilot)

    app = PlaygroundApp(engine="transformers", replay=story("streaming"), speed=0)
    assert snap_compare(app, terminal_size=(80, 24), run_before=open_drawer)


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40"])
def test_answers_that_nobody_could_compare(
    snap_compare: Callable[..., bool], story: Story, size: tuple[int, int]
) -> None:
    entries = story("idle")
    applied = next(entry.event for entry in entries if isinstance(entry.event, OptionsApplied))
    applied.effective.update(verified="unverified", verified_facts=FACTS)
    app = PlaygroundApp(engine="vllm", replay=entries, speed=0)
    assert snap_compare(app, terminal_size=size, run_before=settle)
