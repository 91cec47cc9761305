"""The figures of a comparison on a small terminal: nothing that was found is cut."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import Static

from playground.bench.compare.rows import divergence
from playground.bench.compare.verdict import verdict
from playground.protocol.comparison import ComparedRun, Divergence, SideName
from playground.tui.state.compare import CompareState
from playground.tui.widgets.compare.figures import CompareFigures
from tests.tui.cells import shown


def _run(side: SideName, tps: float) -> ComparedRun:
    return ComparedRun(
        side=side, ttft_s=0.02, decode_tps=tps, kv_bytes=3400, tokens=40, token_ids=list(range(30)), text="x"
    )


def _compared() -> CompareState:
    state = CompareState()
    state.name, found = (
        "int4 KV + lookup:4 speculation + batching=static + max_batch=4 + prefix_cache=off",
        state.comparison,
    )
    found.planned = 4
    found.runs = [_run("A", 100.0), _run("A", 60.0), _run("B", 50.0), _run("B", 90.0)]
    found.divergence = Divergence(kl=[0.02] * 30, rank=[0] * 29 + [7], agreement=0.9, noise=0.0, likeliest=20)
    return state


class FiguresApp(App[None]):
    def compose(self) -> ComposeResult:
        yield CompareFigures()
        yield Static("below")


async def test_at_80_columns_the_verdict_and_the_distributions_are_whole() -> None:
    state, app = _compared(), FiguresApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.query_one(CompareFigures).show(state, "")
        await pilot.pause()
        words = " ".join(shown(app).split())
    for said in (verdict(state.name, state.comparison), divergence(state.comparison), "below"):
        assert " ".join(said.split()) in words, words
