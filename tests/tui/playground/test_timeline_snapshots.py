"""Snapshots of the timeline: four requests, KV int8 and eager while they run, and one more after a rest; replayed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from playground.preset import Preset, View
from playground.protocol.commands import GenerationRequest, Submit
from playground.protocol.events import OptionsApplied, RequestFinished, StepsExecuted, TokensGenerated
from playground.protocol.metrics import Memory, RequestMetrics
from playground.protocol.options import EngineOptions, Value
from playground.protocol.steps import SlotWork, Step
from playground.session.recording import Entry, Message
from playground.tui.app import PlaygroundApp
from tests.tui.cells import shown
from tests.tui.conftest import Story
from tests.tui.settling import settle

MIB = 1 << 20


def _lecture() -> Iterator[Message]:
    names = ["r1", "r2", "r3", "r4"]
    yield Submit(requests=[GenerationRequest(request_id=name, prompt="count the vowels") for name in names])
    yield from _decode(names, 1.0, [0.02 + 0.001 * (number % 40 > 30) for number in range(320)])
    yield _switch({"kv_cache": "int8"})
    yield from _decode(names, 7.8, [0.032] * 150)
    yield _switch({"kv_cache": "int8", "attention": "eager"})
    yield from _decode(names, 12.7, [0.05 + 0.0002 * number for number in range(70)])
    for name in names:
        metrics = RequestMetrics(prompt_tokens=9, output_tokens=540)
        yield RequestFinished(request_id=name, reason="length", metrics=metrics)
    yield Submit(requests=[GenerationRequest(request_id="r5", prompt="once more")])
    yield from _decode(["r5"], 300.0, [0.02] * 170)


def _decode(names: list[str], start: float, seconds: list[float]) -> Iterator[Message]:
    for index, each in enumerate(seconds):
        for name in names:
            yield TokensGenerated(request_id=name, token_ids=[1], times=[start + each], text=" a")
        slots = [SlotWork(request_id=name, phase="decode", tokens=1) for name in names]
        yield StepsExecuted(steps=[Step(index=index, start=start, seconds=each, slots=slots, kv_bytes=MIB)])
        start += each


def _switch(options: dict[str, Value]) -> OptionsApplied:
    requested = EngineOptions(**options)  # type: ignore[arg-type]
    name = list(options)[-1]
    memory = Memory(weights=7 * MIB, kv_used=MIB, kv_reserved=512 * MIB)
    return OptionsApplied(changed=[name], requested=requested, effective={}, seconds=0.003, before=memory, after=memory)


@pytest.fixture
def lecture(story: Story) -> list[Entry]:
    told = [*story("idle")]
    for message in _lecture():
        kind = "command" if isinstance(message, Submit) else "event"
        told.append(Entry(t=1.0, **{kind: message}))  # type: ignore[arg-type]
    return told


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=["80x24", "120x40", "200x60"])
def test_switches_while_requests_run(
    snap_compare: Callable[..., bool], lecture: list[Entry], size: tuple[int, int]
) -> None:
    app = PlaygroundApp(engine="transformers", replay=lecture, speed=0)
    assert snap_compare(app, terminal_size=size, run_before=settle)


@pytest.mark.parametrize("theme", ["light", "projector", "colour-blind-safe"])
def test_theme(
    snap_compare: Callable[..., bool], lecture: list[Entry], theme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")
    app = PlaygroundApp(engine="transformers", replay=lecture, speed=0, theme=theme)
    assert snap_compare(app, terminal_size=(120, 40), run_before=settle)


def test_alone(snap_compare: Callable[..., bool], lecture: list[Entry]) -> None:
    preset = Preset(title="", summary="", view=View(maximized="timeline"))
    app = PlaygroundApp(engine="transformers", replay=lecture, speed=0, preset=preset)
    assert snap_compare(app, terminal_size=(120, 40), run_before=settle)


async def test_it_stays_while_another_value_is_looked_at(lecture: list[Entry]) -> None:
    app = PlaygroundApp(engine="transformers", replay=lecture, speed=0)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+g", "right")
        await settle(pilot)
        assert "Next switch" in shown(app) and "Timeline" in shown(app) and "Last switch" not in shown(app)
