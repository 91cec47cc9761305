"""The Compare screen across engines: the session's own against a real vLLM, distributions included."""

from __future__ import annotations

import os

import pytest

from playground.bench.compare.likeliest import LIKELIEST
from playground.protocol.options import EngineOptions
from playground.text.numbers import format_kl
from playground.tui.app import PlaygroundApp
from playground.tui.compare.profile import CompareProfile
from playground.tui.screens.compare import CompareScreen
from playground.tui.widgets.field_form import FieldForm
from tests.tui.cells import shown
from tests.tui.conftest import Wait


@pytest.mark.skipif(not os.environ.get("PLAYGROUND_VLLM_PYTHON"), reason="PLAYGROUND_VLLM_PYTHON names no interpreter")
async def test_two_bits_against_vllm(until: Wait) -> None:
    """Both compute in float32, so that they differ by the 2-bit cache alone."""
    app = PlaygroundApp(engine="transformers", options=EngineOptions(dtype="float32", kv_blocks="64"))
    async with app.run_test(size=(120, 40)) as pilot:
        state = app.bridge.state
        await until(pilot, lambda: state.facts, 120)
        await pilot.press("f4")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        form = app.screen.query_one(FieldForm)
        form.set(CompareProfile(a="kv_cache=int2", b="engine=vllm", tokens=48, runs=1))
        await pilot.press("r")
        await until(pilot, lambda: state.compare.comparison.planned, 300)
        await until(pilot, lambda: not state.compare.busy and not state.toggles.switching, 300)
        found = state.compare.comparison
        own = found.divergence
        assert len(own.kl) == len(own.rank) == len(found.of("A")[0].token_ids) and own.likeliest == LIKELIEST, (
            own.reason
        )
        assert own.kl_mean > 1e-5 and own.noise == 0 and own.agreement > 0.5
        await until(pilot, lambda: "KL/token" in shown(app) and "Verdict  vllm" in shown(app))
        text = shown(app)
        assert (
            f"mean ≥ {format_kl(own.kl_mean)} of {LIKELIEST} likeliest ids  A/A 0.000" in text and "above noise" in text
        )
