"""Snapshots of the Compare screen once both sides have run."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from playground.bench.compare.runs import Comparison
from playground.protocol.comparison import ComparedRun, Divergence
from playground.tui.app import PlaygroundApp
from playground.tui.screens.compare import CompareScreen
from tests.tui.settling import settle

TEXTS = {
    "A": "def add_numbers(a, b):\n    return a + b\n",
    "B": "def add_numbers(a, b):\n    return sum([a, b])\n",
}
FIGURES = {"A": (0.0184, 352.0, 140_000), "B": (0.0189, 301.0, 41_500)}
KL = [0.0, 0.001, 0.0, 0.002, 0.0, 0.14, 0.03, 0.0, 0.01, 0.0]


def comparison() -> Comparison:
    """Three runs a side, at fixed numbers."""
    found = Comparison(planned=6, divergence=Divergence(kl=KL, rank=[0] * 9 + [2], agreement=0.9, noise=0.0))
    for factor in (0.98, 1.0, 1.02):
        for side, (ttft, tps, kv) in FIGURES.items():
            ids = [1, 2, 3, 4, 5, 6, *([7, 8] if side == "A" else [9])]
            found.runs.append(
                ComparedRun(
                    side=side,  # type: ignore[arg-type]
                    ttft_s=ttft * factor,
                    decode_tps=tps * factor,
                    kv_bytes=kv,
                    tokens=40,
                    token_ids=ids,
                    text=TEXTS[side],
                )
            )
    found.weights = {"A": 12_800_000, "B": 12_800_000}
    return found


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
def test_a_verdict(snap_compare: Callable[..., bool], size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")
    app = PlaygroundApp(engine="scripted", keep_history=False)

    async def look(pilot: Pilot[None]) -> None:
        while not app.bridge.state.facts or app.bridge.state.model.loading:
            await pilot.pause(0.05)
        await pilot.press("f4")
        while not isinstance(app.screen, CompareScreen):
            await pilot.pause(0.05)
        state = app.bridge.state.compare
        state.name, state.a, state.b = "int4 KV", "kv_cache=model", "kv_cache=int4"
        state.comparison = comparison()
        app.screen.show()
        await settle(pilot)

    assert snap_compare(app, terminal_size=size, run_before=look)
