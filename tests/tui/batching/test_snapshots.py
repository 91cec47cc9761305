"""Snapshots of the Batching screen: a fixed load replayed, before it and within it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from playground.tui.app import PlaygroundApp
from playground.tui.state.load_profile import LoadProfile
from tests.tui.batching.recording import recording
from tests.tui.settling import settle

SIZES = [(80, 24), (120, 40), (200, 60)]
PROFILE = LoadProfile(requests=32, slots=8, shared=50)


async def _look(pilot: Pilot[None]) -> None:
    await settle(pilot)
    await pilot.press("f3")
    await settle(pilot)


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40", "200x60"])
def test_both_have_run(
    snap_compare: Callable[..., bool], size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")
    app = PlaygroundApp(engine="transformers", replay=recording(PROFILE), speed=0)
    assert snap_compare(app, terminal_size=size, run_before=_look)


def test_two_engines_have_run(snap_compare: Callable[..., bool], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")
    app = PlaygroundApp(engine="transformers", replay=recording(PROFILE, ["transformers", "vllm"]), speed=0)
    assert snap_compare(app, terminal_size=(120, 40), run_before=_look)


def test_the_first_goes_on(snap_compare: Callable[..., bool], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")
    entries = recording(PROFILE, ["static"])
    app = PlaygroundApp(engine="transformers", replay=entries[: len(entries) // 2], speed=0)
    assert snap_compare(app, terminal_size=(120, 40), run_before=_look)


def test_a_cell_is_looked_at(snap_compare: Callable[..., bool], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")

    async def point(pilot: Pilot[None]) -> None:
        await _look(pilot)
        await pilot.press("tab", "left", *["left"] * 20, "down")
        await settle(pilot)

    app = PlaygroundApp(engine="transformers", replay=recording(PROFILE), speed=0, theme="light")
    assert snap_compare(app, terminal_size=(120, 40), run_before=point)
