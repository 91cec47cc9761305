"""Snapshots of the History screen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from playground.tui.app import PlaygroundApp
from tests.tui.conftest import Story
from tests.tui.runs import keep, make_runs
from tests.tui.settling import settle

Keys = tuple[str, ...]


@pytest.fixture(autouse=True)
def same_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show times in UTC instead of the zone of the machine."""
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setattr("playground.tui.history.columns.datetime", _Utc)


class _Utc:
    """`datetime.fromtimestamp` in UTC."""

    @staticmethod
    def fromtimestamp(moment: float):
        from datetime import UTC, datetime

        return datetime.fromtimestamp(moment, UTC)


def look(*keys: str) -> Callable[[Pilot[None]], object]:
    async def run(pilot: Pilot[None]) -> None:
        await settle(pilot)
        await pilot.press("f7")
        await settle(pilot)
        for key in keys:
            await pilot.press(key)
            await settle(pilot)

    return run


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=["80x24", "120x40", "200x60"])
def test_runs(snap_compare: Callable[..., bool], story: Story, size: tuple[int, int]) -> None:
    keep(make_runs(90))
    app = PlaygroundApp(engine="transformers", replay=story("idle"), speed=0)
    assert snap_compare(app, terminal_size=size, run_before=look("down", "space", "down", "space"))


def test_no_runs(snap_compare: Callable[..., bool], story: Story) -> None:
    app = PlaygroundApp(engine="transformers", replay=story("idle"), speed=0)
    assert snap_compare(app, terminal_size=(80, 24), run_before=look())


def test_two_side_by_side(snap_compare: Callable[..., bool], story: Story) -> None:
    keep(make_runs(90))
    app = PlaygroundApp(engine="transformers", replay=story("idle"), speed=0, theme="light")
    assert snap_compare(app, terminal_size=(120, 40), run_before=look("space", "down", "space", "d"))
