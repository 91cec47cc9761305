"""Runs a comparison: warm-up, interleaved runs, then both sides teacher-forced on A's answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from playground.bench.compare.likeliest import LIKELIEST, least_kl, least_rank
from playground.bench.compare.runs import Comparison, order
from playground.bench.engine_client import EngineClient, EngineFailed
from playground.protocol.commands import (
    ChatMessage,
    GenerationRequest,
    SamplingParams,
    Score,
    Tokenize,
)
from playground.protocol.comparison import ComparedRun, Divergence, SideName
from playground.protocol.events import Scored, Tokenized
from playground.protocol.options import EngineOptions

KEPT = "compare"
OnChange = Callable[[], None]


class Side(msgspec.Struct, frozen=True):
    """One side: the client of its engine, its toggles, and how to load its model into the worker in which the
    distributions are compared (None: it is loaded there). `apart`: no worker holds whole rows of both sides, because
    they run on different engines, or on one that hands out none."""

    client: EngineClient
    options: EngineOptions
    move_in: Callable[[], Awaitable[None]] | None = None
    apart: bool = False


class ComparisonPlan(msgspec.Struct, frozen=True):
    """The prompt and how often it runs: each side continues it greedily, or answers it in `chat`, `runs` times."""

    prompt: str
    max_tokens: int = 128
    runs: int = 5
    name: str = "compare"
    chat: bool = False


async def compare(
    a: Side,
    b: Side,
    plan: ComparisonPlan,
    comparison: Comparison,
    on_change: OnChange,
    host: EngineClient | None = None,
) -> None:
    """Fill `comparison`, calling `on_change` after each addition. Logits cannot leave a worker, so both sides' are held
    by `host`, by default A's worker, in the end. Raises `EngineFailed`."""
    sides: dict[SideName, Side] = {"A": a, "B": b}
    comparison.planned = 2 * plan.runs

    def begin(phase: str) -> None:
        comparison.phase = phase
        on_change()

    begin("warming up")
    for name in ("A", "B"):
        await _run(sides[name], name, plan, "warm-up")
    for number, name in enumerate(order(plan.runs)):
        begin(f"run {number + 1} of {comparison.planned}")
        comparison.runs.append(await _run(sides[name], name, plan, str(number)))
        _add_facts(comparison, name, sides[name].client)
        on_change()
    begin("comparing distributions")
    try:
        comparison.divergence = await _diverge(a, b, plan, comparison.of("A")[0].token_ids, host or a.client)
    except EngineFailed as error:
        comparison.divergence = Divergence(reason=error.message)
    begin("")


async def _run(side: Side, name: SideName, plan: ComparisonPlan, number: str) -> ComparedRun:
    """Do one run on a cold prefix cache."""
    client = side.client
    await client.switch(side.options)
    client.reset_prefix_cache()
    client.fold.kv_bytes_peak = 0
    request = GenerationRequest(
        request_id=f"{plan.name}-{name}-{number}",
        prompt=None if plan.chat else plan.prompt,
        messages=[ChatMessage("user", plan.prompt)] if plan.chat else None,
        sampling=SamplingParams(max_tokens=plan.max_tokens),
    )
    generated = (await client.generate([request]))[0]
    finished = generated.finished
    assert finished
    if finished.reason not in ("stop", "length"):
        raise EngineFailed(f"{name}: {finished.message or 'stopped'}")
    metrics = finished.metrics
    return ComparedRun(
        side=name,
        ttft_s=metrics.ttft_s,
        decode_tps=metrics.decode_tps,
        kv_bytes=client.fold.kv_bytes_peak,
        tokens=metrics.prompt_tokens + max(0, metrics.output_tokens - 1),
        token_ids=generated.token_ids,
        text=generated.text,
    )


def _add_facts(comparison: Comparison, name: SideName, client: EngineClient) -> None:
    comparison.effective[name], comparison.reasons[name] = dict(client.fold.effective), dict(client.fold.reasons)
    if client.fold.loaded:
        comparison.models[name] = client.fold.loaded.facts.name
    if client.fold.memory and client.fold.memory.weights:
        comparison.weights[name] = client.fold.memory.weights
    if client.fold.prefix_kept:
        comparison.prefix_kept.add(name)


async def _diverge(a: Side, b: Side, plan: ComparisonPlan, answer: list[int], host: EngineClient) -> Divergence:
    """Score A twice, then B, on prompt and answer; positions of the prompt are left out."""
    prompt = await _ids(a.client, plan)
    if b.client is not a.client and await _ids(b.client, plan) != prompt:
        return Divergence(reason="the tokenizers differ")
    ids = prompt + answer
    first = len(prompt) - 1  # the position that predicts the answer's first token
    if b.apart:
        return await _diverge_apart(a, b, ids, first)
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


async def _diverge_apart(a: Side, b: Side, ids: list[int], first: int) -> Divergence:
    """Compare by the likeliest ids of each side: no worker holds whole rows of both."""
    base, again, other = [await _likeliest(side, ids, first) for side in (a, a, b)]
    ranks = [least_rank(*rows) for rows in zip(base, other, strict=True)]
    noise = [least_kl(*rows) for rows in zip(base, again, strict=True)]
    return Divergence(
        kl=[least_kl(*rows) for rows in zip(base, other, strict=True)],
        rank=ranks,
        agreement=sum(rank == 0 for rank in ranks) / max(1, len(ranks)),
        noise=sum(noise) / max(1, len(noise)),
        likeliest=LIKELIEST,
    )


async def _likeliest(side: Side, ids: list[int], first: int) -> list[dict[int, float]]:
    await side.client.switch(side.options)
    return (await _score(side.client, ids, likeliest=LIKELIEST)).likeliest[first:]


async def _ids(client: EngineClient, plan: ComparisonPlan) -> list[int]:
    return (await client.ask(Tokenize(key=KEPT, texts=[plan.prompt], chat=plan.chat), Tokenized)).token_ids[0]


async def _score(client: EngineClient, ids: list[int], **how: Any) -> Scored:
    return await client.ask(Score(key=KEPT, token_ids=ids, **how), Scored)
