"""What a KV cache and a switch cost a running request on tiny-coder, in CPU time of interleaved steps; see
`bench_engine.py`."""

from __future__ import annotations

import random
import statistics
from time import thread_time
from typing import Any

from playground.protocol.commands import Abort, GenerationRequest, SamplingParams, Submit

QUANTIZED = ("int8", "fp8", "int4", "int2")
SWITCHES: tuple[dict[str, object], ...] = (
    {"attention": "eager"},
    {"attention": "sdpa-math"},
    {"attention": "auto"},
    {"kv_cache": "int8"},
    {"kv_cache": "int4"},
    {"kv_cache": "model"},
)
LONG, SHORT, STEPS, ROUNDS = 4096, 200, 12, 6


def kv_costs(engine: Any) -> None:
    """A decode step by KV dtype at a long context, without and with compile=on, then each switch and the first step
    after it."""
    for compiled in (False, True):
        engine.set(compile=compiled)
        _kv_steps(engine, "compile=on, " if compiled else "")
    engine.set(compile=False)
    _switches(engine)


def _kv_steps(engine: Any, under: str) -> None:
    _start(engine, LONG)
    print(f"\n| {under}kv_cache at {LONG} tokens | step | of kv_cache=model |\n|---|---|---|")
    pairs: dict[str, list[tuple[float, float]]] = {kind: [] for kind in QUANTIZED}
    for _ in range(ROUNDS):
        for kind, found in pairs.items():
            plain = _under(engine, "model")
            found.append((_under(engine, kind), plain))
    for kind, found in pairs.items():
        step = statistics.median(step for step, _ in found)
        ratio = statistics.median(step / plain for step, plain in found)
        print(f"| {kind} | {step * 1e3:.1f} ms | {ratio:.2f}x |", flush=True)
    _stop(engine)


def _switches(engine: Any) -> None:
    _start(engine, SHORT)
    print("\n| switch | itself | first step after it | later steps | both beyond a step |\n|---|---|---|---|---|")
    costs: list[list[tuple[float, float, float]]] = [[] for _ in SWITCHES]
    for _ in range(ROUNDS):
        for changes, found in zip(SWITCHES, costs, strict=True):
            start = thread_time()
            engine.set(**changes)
            itself, (first, *later) = thread_time() - start, _steps(engine, STEPS)
            found.append((itself, first, statistics.median(later)))
    for changes, found in zip(SWITCHES, costs, strict=True):
        itself, first, later = (statistics.median(column) for column in zip(*found, strict=True))
        cells = " | ".join(f"{seconds * 1e3:.1f} ms" for seconds in (itself, first, later))
        ((name, value),) = changes.items()
        print(f"| {name}={value} | {cells} | {(itself + first - later) / later:.2f} of a step |", flush=True)
    _stop(engine)


def _under(engine: Any, kind: str) -> float:
    """Median seconds of a step under this KV cache, the first ones apart."""
    engine.set(kv_cache=kind)
    return statistics.median(_steps(engine, STEPS)[3:])


def _start(engine: Any, tokens: int) -> None:
    """One request of so many tokens, decoding."""
    draw = random.Random(tokens)
    request = GenerationRequest(
        request_id=str(tokens),
        prompt_token_ids=[draw.randrange(3, 2000) for _ in range(tokens)],
        sampling=SamplingParams(max_tokens=3000, ignore_eos=True),
    )
    engine.set(max_batch=1, token_budget=512, kv_cache="model")
    engine._backend.submit(Submit(requests=[request]), 0.0)
    _steps(engine, tokens // 512 + STEPS)


def _steps(engine: Any, count: int) -> list[float]:
    spent = []
    for _ in range(count):
        start = thread_time()
        engine._backend.step()
        spent.append(thread_time() - start)
    return spent


def _stop(engine: Any) -> None:
    engine._backend.abort(Abort())
    while engine._backend.busy:
        engine._backend.step()
