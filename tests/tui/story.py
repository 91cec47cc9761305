"""A session as it was recorded: a load, two requests, a switch in flight, the engine's death."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from playground.protocol.capabilities import Capabilities, Effects, ToggleSupport, ValueSupport
from playground.protocol.commands import Command, GenerationRequest, LoadModel, SetOptions, Submit
from playground.protocol.events import (
    Event,
    ModelLoaded,
    ModelLoading,
    OptionsApplied,
    RequestFinished,
    StepsExecuted,
    TokensGenerated,
    WorkerExited,
    WorkerReady,
)
from playground.protocol.metrics import Memory, RequestMetrics
from playground.protocol.options import EngineOptions, as_text
from playground.protocol.steps import SlotWork, Step
from playground.session.recording import Entry
from tests.model_facts import TINY_CODER

MIB = 1 << 20
STEP_S = 0.003
LIVE = {
    "attention": ("auto", "eager", "sdpa-flash"),
    "kv_cache": ("model", "int8"),
    "batching": ("continuous", "static"),
}
ANSWER = ["def", " add", "(a", ",", " b", "):", "\n", "    return", " a", " +", " b", "\n"]


def tell(stage: str) -> list[Entry]:
    """The session up to a stage: loading, idle, streaming, switched, failed."""
    entries: list[Entry] = []
    for t, message in _story():
        if message == stage:
            return entries
        if isinstance(message, Command):
            entries.append(Entry(t=t, command=message))  # type: ignore[arg-type]
        elif isinstance(message, Event):
            entries.append(Entry(t=t, event=message))  # type: ignore[arg-type]
    raise ValueError(stage)


def _story() -> Iterable[tuple[float, Command | Event | str]]:
    options, loaded = EngineOptions(), Memory(weights=7 * MIB, weights_predicted=7 * MIB, kv_reserved=512 * MIB)
    effective = as_text(options) | {"attention": "sdpa-flash", "dtype": "bfloat16", "device": "cpu"}
    yield 0.0, WorkerReady(pid=1, role="engine", clock=0.0, capabilities=_capabilities())
    yield 0.1, LoadModel(model="/models/tiny-coder")
    yield 0.2, ModelLoading(stage="weights", done=3, total=8, detail="model.safetensors")
    yield 0.2, "loading"
    yield 0.5, ModelLoaded(facts=TINY_CODER, capabilities=_capabilities())
    yield 0.5, OptionsApplied(changed=[], requested=options, effective=effective, before=Memory(), after=loaded)
    yield 0.5, "idle"
    prompt = GenerationRequest(request_id="r1", prompt="write a function that adds two numbers")
    other = GenerationRequest(request_id="r2", prompt="[b]not bold[/b] \x1b[31mnot red")
    yield 1.0, Submit(requests=[prompt])
    yield 1.0, Submit(requests=[other])
    yield 1.1, _tokens("r1", 1.005, ANSWER[:1])
    yield 1.1, _steps(0, 1.0, "prefill", loaded)
    for index in range(1, 40):
        start = 1.005 + index * STEP_S
        yield start, _tokens("r1", start, [ANSWER[index % len(ANSWER)]])
        yield start, _tokens("r2", start, [ANSWER[(index + 3) % len(ANSWER)]])
        yield start, _steps(index, start, "decode", loaded)
    yield 1.2, "streaming"
    changed = msgspec.structs.replace(options, kv_cache="int8")
    yield 1.2, SetOptions(changes={"kv_cache": "int8"})
    yield (
        1.2,
        OptionsApplied(
            changed=["kv_cache"],
            requested=changed,
            effective=effective | {"kv_cache": "int8", "attention": "eager"},
            reasons={"attention": "eager alone reads codes"},
            cost="cache",
            seconds=0.003,
            step=40,
            before=msgspec.structs.replace(loaded, kv_used=2 * MIB),
            after=msgspec.structs.replace(loaded, kv_used=MIB),
        ),
    )
    for index in range(40, 72):
        start = 1.005 + index * STEP_S * 1.25
        yield start, _tokens("r1", start, [ANSWER[index % len(ANSWER)]])
        yield start, _tokens("r2", start, [ANSWER[(index + 3) % len(ANSWER)]])
        yield start, _steps(index, start, "decode", loaded)
    yield 1.4, "switched"
    for request_id in ("r1", "r2"):
        metrics = RequestMetrics(prompt_tokens=0, output_tokens=0)
        died = "the engine process ended unexpectedly"
        yield 1.5, RequestFinished(request_id=request_id, reason="error", metrics=metrics, message=died)
    yield 1.5, WorkerExited(code=-9, log_tail="")
    yield 1.5, "failed"


def _capabilities() -> Capabilities:
    weights = [
        ValueSupport(value="model", effects=Effects()),
        ValueSupport(value="int8", effects=Effects(memory=-1, tps=-1, quality=-1)),
        ValueSupport(value="fp8", possible=False, reason="vLLM only"),
    ]
    toggles = [ToggleSupport(name="weights", cost="weights", values=weights)]
    for name, values in LIVE.items():
        cost = "cache" if name == "kv_cache" else "instant"
        toggles.append(ToggleSupport(name=name, cost=cost, values=[ValueSupport(value=value) for value in values]))
    toggles.append(ToggleSupport(name="max_batch", cost="instant", values=[], form="a number of slots from 1"))
    return Capabilities(engine="transformers", devices=["cpu"], toggles=toggles)


def _tokens(request_id: str, time: float, pieces: list[str]) -> TokensGenerated:
    return TokensGenerated(
        request_id=request_id, token_ids=[1] * len(pieces), times=[time] * len(pieces), text="".join(pieces)
    )


def _steps(index: int, start: float, phase: str, memory: Memory) -> StepsExecuted:
    prefill = phase == "prefill"
    slots = [
        SlotWork(request_id=name, phase="prefill" if prefill else "decode", tokens=9 if prefill else 1)
        for name in ("r1", "r2")
    ]
    slots += [SlotWork()] * 6
    used = 2 + index // 16
    return StepsExecuted(
        steps=[
            Step(
                index=index,
                start=start,
                seconds=STEP_S * 0.9,
                slots=slots,
                blocks_used=used,
                blocks_free=8192 - used,
                kv_bytes=used * MIB // 16,
            )
        ]
    )
