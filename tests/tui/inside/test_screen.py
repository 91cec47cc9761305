"""The Inside screen on the real engine and the bundled model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from playground import paths
from playground.engine.backends.openai_server.backend import OpenAIBackend
from playground.engine.backends.vllm.backend import VllmBackend
from playground.preset import Preset
from playground.protocol.commands import LoadModel, SamplingParams
from playground.protocol.options import EngineOptions
from playground.tui.app import PlaygroundApp
from playground.tui.bridge import Bridge
from playground.tui.inside import kv_trial, weights_trial
from playground.tui.inside.kv_trial import KVTrial
from playground.tui.inside.trial import TrialRunner
from playground.tui.screens import inside
from playground.tui.screens.inside import InsideScreen
from playground.tui.session import NotNow, Session
from playground.tui.state import kv_capacity
from playground.tui.widgets.inside.panel import InsidePanel
from playground.tui.widgets.key_bar import KeyBar

PATIENCE_S = 120.0
BFLOAT16 = EngineOptions(dtype="bfloat16")  # in which tails weigh as much as is said below
KEPT = "this engine does not change its KV cache while it runs"


async def opened(app: PlaygroundApp, pilot: Pilot, until: Callable[..., Any]) -> InsideScreen:
    """The Inside screen, once the model is there."""
    await until(pilot, lambda: app.bridge.state.facts and app.bridge.state.toggles.effective, PATIENCE_S)
    await pilot.press("f6")
    await until(pilot, lambda: isinstance(app.screen, InsideScreen))
    assert isinstance(app.screen, InsideScreen)
    return app.screen


def drawn(screen: InsideScreen, panel: str) -> str:
    return screen.query_one(f"#{panel}", InsidePanel).render().plain


def concluded(screen: InsideScreen, panel: str) -> str:
    """A panel's text unwrapped into one line; asserts that every line fits."""
    lines = drawn(screen, panel).splitlines()
    assert max(map(len, lines)) <= screen.query_one(f"#{panel}").size.width and "…" not in "".join(lines)
    return " ".join(" ".join(lines).split())


async def test_measure_everything_once(until, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(inside, "LENGTHS", (64, 128))
    monkeypatch.setattr(kv_capacity, "TOKENS", 64)
    app = PlaygroundApp(engine="transformers", options=BFLOAT16, preset=Preset(title="", summary=""))
    async with app.run_test(size=(120, 40)) as pilot:
        state, screen = app.bridge.state, await opened(app, pilot, until)
        await until(pilot, lambda: "weights at 4 099 tokens; the device ends at" in concluded(screen, "kv"))

        await pilot.press("o")
        await until(pilot, lambda: "0 attn.q" in drawn(screen, "outliers"), PATIENCE_S)
        before = drawn(screen, "outliers").splitlines()[0]
        await pilot.press("left", "left")
        assert (
            "threshold 5 (live 6):" in drawn(screen, "outliers") and drawn(screen, "outliers").splitlines()[0] != before
        )
        await pilot.press("enter")
        await until(pilot, lambda: state.toggles.requested.int8_threshold == 5.0, PATIENCE_S)
        await until(pilot, lambda: "threshold 5 (live):" in drawn(screen, "outliers"))

        await pilot.press("a")
        await until(pilot, lambda: state.inside.total and not state.inside.measuring, PATIENCE_S)
        await until(pilot, lambda: "less memory at 128 tokens; e eager m math f" in concluded(screen, "attention"))
        assert "memory of a call" in drawn(screen, "attention"), "there is room for both plots"
        assert "product" in concluded(screen, "roofline") and " of 16 inputs" in concluded(screen, "outliers")

        await pilot.press("w")
        await until(pilot, lambda: state.inside.weights, PATIENCE_S)
        await until(pilot, lambda: not state.trial_running, PATIENCE_S)
        assert not state.requests, "nobody asked for its answers"
        assert [column.tokens for column in state.timeline.columns] == [0], "only the user's own switch"
        kinds = {kind.name: kind for kind in screen._trial.kinds}
        assert all(kind.tps and kind.bytes for kind in kinds.values()), kinds
        assert kinds["nf4"].bytes < kinds["int8"].bytes < kinds["model"].bytes
        thrown = state.toggles.switch
        assert thrown and thrown.applied.changed == ["int8_threshold"], "nobody threw those of the trial"
        assert kinds["int8"].switch_s != thrown.applied.seconds != kinds["nf4"].switch_s
        assert state.toggles.requested.weights == "model" and "last step" in drawn(screen, "roofline")

        before, requests = state.toggles.requested, len(state.requests)
        seen = list(state.timeline.columns)
        await pilot.press("k")
        await until(pilot, lambda: state.trial_running)
        for start in (screen._kv_trial.start, screen._trial.start):  # a second press, or another key
            with pytest.raises(NotNow, match="F6, then Esc stops it"):
                start()
        assert state.status == "running" and "Esc" in screen.query_one(KeyBar).render().plain
        await until(pilot, lambda: not state.trial_running, PATIENCE_S)
        assert state.toggles.requested == before and len(state.requests) == requests
        assert list(state.timeline.columns) == seen, "its switches and its tokens are nobody's"
        ran = {kind: result.concurrent for kind, result in state.inside.kv.results.items()}
        # Of requests this short the tails are the larger part: int8 holds fewer of them than the model's own dtype.
        assert ran["int8"] < ran["model"] == 4 < ran["int4"] < ran["int2"]
        table = drawn(screen, "kv").splitlines()
        last = next(at for at, line in enumerate(table) if line.startswith("k runs requests of 64"))
        rows = [line.split() for line in table[last - len(ran) : last]]
        assert [int(row[-1]) for row in rows] == list(ran.values()) == [int(row[-2]) for row in rows]


async def test_escape_amid_a_trial_goes_back_to_what_was(until, monkeypatch: pytest.MonkeyPatch):
    # Requests that would decode for minutes.
    monkeypatch.setattr(kv_capacity, "TOKENS", 2048)
    monkeypatch.setattr(kv_trial, "DECODED", 2000)
    monkeypatch.setattr(weights_trial, "TOKENS", 8000)
    app = PlaygroundApp(engine="transformers", options=BFLOAT16, preset=Preset(title="", summary=""))
    async with app.run_test(size=(120, 40)) as pilot:
        state, screen = app.bridge.state, await opened(app, pilot, until)
        before = state.toggles.requested

        await pilot.press("k")
        await until(pilot, lambda: any(result.concurrent for result in state.inside.kv.results.values()), PATIENCE_S)
        assert state.toggles.requested != before
        await pilot.press("escape")
        await until(pilot, lambda: not state.trial_running)
        assert state.toggles.requested == before and state.status == "idle" and not state.requests.waiting
        assert not state.inside.kv.results, "how many would have fit is not known"
        await pilot.press("escape")
        await until(pilot, lambda: "nothing is being measured" in str(screen.query_one("Notice").render()))

        await pilot.press("k", "escape")  # before anything runs
        await until(pilot, lambda: not state.trial_running)
        assert state.toggles.requested == before and not state.inside.kv.results

        await pilot.press("w")
        await until(pilot, lambda: state.inside.weights and state.last_step and state.last_step.slots, PATIENCE_S)
        await pilot.press("escape")
        await until(pilot, lambda: not state.trial_running)
        assert state.toggles.requested == before and all(state.inside.weights.values())
        assert [kind.tps for kind in screen._trial.kinds] == [None] * 3


async def test_an_engine_that_keeps_its_cache_says_so(opened, until):
    async with opened() as (app, pilot):
        await pilot.press("f6")
        await until(pilot, lambda: isinstance(app.screen, InsideScreen))
        state, notice = app.bridge.state, app.screen.query_one("Notice")
        before = state.toggles.requested
        await pilot.press("k")
        await until(pilot, lambda: KEPT in str(notice.render()))
        assert not state.trial_running and state.toggles.requested == before
        await pilot.press("w")
        await until(pilot, lambda: not state.trial_running and "no model to change" in drawn(app.screen, "kv"))


@pytest.mark.parametrize("backend", [OpenAIBackend, VllmBackend])
def test_no_other_engine_runs_the_kv_trial(backend, monkeypatch: pytest.MonkeyPatch):
    sent = []
    bridge = Bridge(backend.__name__, paths.log_folder() / "log")
    monkeypatch.setattr(bridge, "send", sent.append)
    bridge.state.capabilities = backend(sent.append).capabilities()
    with pytest.raises(NotNow, match=KEPT):
        KVTrial(TrialRunner(Session(bridge, LoadModel(model="m"), SamplingParams()))).start()
    assert not sent


async def test_without_a_measurement_each_panel_says_what_to_do(opened, until):
    async with opened() as (app, pilot):
        await pilot.press("f6")
        await until(pilot, lambda: isinstance(app.screen, InsideScreen))
        screen = app.screen
        assert "o runs one forward" in drawn(screen, "outliers") and "a times eager" in drawn(screen, "attention")
        assert "make_outliers writes a model that has many" in " ".join(drawn(screen, "outliers").split())
        assert max(map(len, drawn(screen, "outliers").splitlines())) <= screen.query_one("#outliers").size.width
        await pilot.press("o")
        await until(pilot, lambda: "no layers to look into" in str(screen.query_one("Notice").render()))
        await pilot.press("tab", "z")
        assert screen.has_class("-maximized") and screen.query_one("#attention").display
        await pilot.press("escape")
        assert not screen.has_class("-maximized")
