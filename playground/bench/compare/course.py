"""Runs a comparison: warm-up, interleaved runs, then both sides teacher-forced on A's answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from playground.bench.compare.likeliest import LIKELIEST, least_kl, least_rank
from playground.bench.compare.runs import Comparison, order
from playground.bench.talk import EngineFailed, Talk
from playground.protocol.commands import (
    ChatMessage,
    GenerationRequest,
    ResetPrefixCache,
    SamplingParams,
    Score,
    Tokenize,
)
from playground.protocol.comparison import ComparedRun, Divergence, SideName
from playground.protocol.events import Scored, Tokenized
from playground.protocol.options import EngineOptions

KEPT = "compare"
Told = Callable[[], None]


class Side(msgspec.Struct, frozen=True):
    """One side: the engine that answers for it, its toggles, and how its model comes into the worker in which the
    distributions are compared (None: it is there). `apart`: it cannot, being another engine's."""

    talk: Talk
    options: EngineOptions
    move_in: Callable[[], Awaitable[None]] | None = None
    apart: bool = False


class Plan(msgspec.Struct, frozen=True):
    """`prompt` is continued greedily, or in `chat` answered, `runs` times on each side."""

    prompt: str
    max_tokens: int = 128
    runs: int = 5
    name: str = "compare"
    chat: bool = False


async def compare(a: Side, b: Side, plan: Plan, comparison: Comparison, told: Told, host: Talk | None = None) -> None:
    """Fill `comparison`; `told` is called whenever there is more in it. Logits cannot leave a worker, so `host`, by
    default A's, holds both sides' in the end. Raises `EngineFailed`."""
    sides: dict[SideName, Side] = {"A": a, "B": b}
    comparison.planned = 2 * plan.runs
    comparison.phase = "warming up"
    told()
    for name in ("A", "B"):
        await _run(sides[name], name, plan, "warm-up")
    for number, name in enumerate(order(plan.runs)):
        comparison.phase = f"run {number + 1} of {comparison.planned}"
        told()
        run = await _run(sides[name], name, plan, str(number))
        comparison.runs.append(run)
        _note(comparison, name, sides[name].talk)
        told()
    comparison.phase = "comparing distributions"
    told()
    try:
        comparison.divergence = await _diverge(a, b, plan, comparison.of("A")[0].token_ids, host or a.talk)
    except EngineFailed as error:
        comparison.divergence = Divergence(reason=error.message)
    comparison.phase = ""
    told()


async def _run(side: Side, name: SideName, plan: Plan, number: str) -> ComparedRun:
    """One run on a cold prefix cache."""
    talk = side.talk
    await talk.switch(side.options)
    talk.send(ResetPrefixCache())
    talk.fold.kv_bytes_peak = 0
    request = GenerationRequest(
        request_id=f"{plan.name}-{name}-{number}",
        prompt=None if plan.chat else plan.prompt,
        messages=[ChatMessage("user", plan.prompt)] if plan.chat else None,
        sampling=SamplingParams(max_tokens=plan.max_tokens),
    )
    generated = (await talk.generate([request]))[0]
    finished = generated.finished
    assert finished
    if finished.reason not in ("stop", "length"):
        raise EngineFailed(f"{name}: {finished.message or 'stopped'}")
    metrics = finished.metrics
    return ComparedRun(
        side=name,
        ttft_s=metrics.ttft_s,
        decode_tps=metrics.decode_tps,
        kv_bytes=talk.fold.kv_bytes_peak,
        tokens=metrics.prompt_tokens + max(0, metrics.output_tokens - 1),
        token_ids=generated.token_ids,
        text=generated.text,
    )


def _note(comparison: Comparison, name: SideName, talk: Talk) -> None:
    comparison.effective[name], comparison.reasons[name] = dict(talk.fold.effective), dict(talk.fold.reasons)
    if talk.fold.memory:
        comparison.weights[name] = talk.fold.memory.weights


async def _diverge(a: Side, b: Side, plan: Plan, answer: list[int], host: Talk) -> Divergence:
    """A twice, then B, on prompt and answer; positions of the prompt are left out."""
    prompt = await _ids(a.talk, plan)
    if b.talk is not a.talk and await _ids(b.talk, plan) != prompt:
        return Divergence(reason="the tokenizers differ")
    ids = prompt + answer
    first = len(prompt) - 1  # the prediction of the answer's first token
    if b.apart:
        return await _diverge_apart(a.talk, b.talk, ids, first)
    if a.move_in:
        await a.move_in()
    await host.switch(a.options)
    await _score(host, ids, keep_as=KEPT)
    again = await _score(host, ids, against=KEPT)
    if b.move_in:
        await b.move_in()
    await host.switch(b.options)
    scored = await _score(host, ids, against=KEPT)
    return Divergence(
        kl=scored.kl[first:],
        rank=scored.rank[first:],
        agreement=sum(rank == 0 for rank in scored.rank[first:]) / max(1, len(answer)),
        noise=sum(again.kl[first:]) / max(1, len(answer)),
    )


async def _diverge_apart(a: Talk, b: Talk, ids: list[int], first: int) -> Divergence:
    """Two engines, each with what it finds likeliest: no worker holds whole rows of both."""
    base, again, other = [(await _score(talk, ids, likeliest=LIKELIEST)).likeliest[first:] for talk in (a, a, b)]
    ranks = [least_rank(*rows) for rows in zip(base, other, strict=True)]
    noise = [least_kl(*rows) for rows in zip(base, again, strict=True)]
    return Divergence(
        kl=[least_kl(*rows) for rows in zip(base, other, strict=True)],
        rank=ranks,
        agreement=sum(rank == 0 for rank in ranks) / max(1, len(ranks)),
        noise=sum(noise) / max(1, len(noise)),
        likeliest=LIKELIEST,
    )


async def _ids(talk: Talk, plan: Plan) -> list[int]:
    return (await talk.ask(Tokenize(key=KEPT, texts=[plan.prompt], chat=plan.chat), Tokenized)).token_ids[0]


async def _score(talk: Talk, ids: list[int], **how: Any) -> Scored:
    return await talk.ask(Score(key=KEPT, token_ids=ids, **how), Scored)
