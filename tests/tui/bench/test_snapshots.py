"""Snapshots of the Bench screen with the option sets of a history."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from playground.bench.suites.suite import Row, SuiteProgress
from playground.tui.app import PlaygroundApp
from playground.tui.bench.driver import BenchView
from playground.tui.screens.bench import BenchScreen
from tests.tui.conftest import Story
from tests.tui.runs import keep, make_runs
from tests.tui.settling import settle

ROWS = [
    Row("playground/6", "passed", 0.0388, ""),
    Row("playground/12", "passed", 0.0346, ""),
    Row("playground/16", "failed", 0.0442, "NameError: name 's' is not defined"),
    Row("playground/31", "timed out", 4.0, "it took too long"),
    Row("bad\x1b[31m/7", "skipped", None, "needs [b]numpy[/b], not installed here"),
]


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=["80x24", "120x40", "200x60"])
def test_a_suite_runs(
    snap_compare: Callable[..., bool], story: Story, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")
    runs = make_runs(90)
    keep(runs)

    async def look(pilot: Pilot[None]) -> None:
        await settle(pilot)
        await pilot.press("f5")
        await settle(pilot)
        assert isinstance(pilot.app.screen, BenchScreen)
        progress = SuiteProgress(5, 16, 21.0, "pass@1 50 %  (15 to 85 %)", None)
        driver = pilot.app.screen._driver
        driver.view = driver.views["code"] = BenchView("code", "running", progress, ROWS, runs[-1])
        driver.views["load"] = BenchView("load", "", SuiteProgress(32, 32, 0.0, "at most 412 tok/s"))
        pilot.app.screen.show()
        await settle(pilot)

    app = PlaygroundApp(engine="transformers", replay=story("idle"), speed=0)
    assert snap_compare(app, terminal_size=size, run_before=look)
