"""Perplexity against chance, and the damage of quantized KV and int8 weights: teacher-forced on the same ids."""

from __future__ import annotations

from collections.abc import AsyncIterator
from math import exp, log
from statistics import fmean

from playground.bench.engine import EngineFailed, WorkerEngine
from playground.bench.texts import usual_texts
from playground.protocol.commands import Score, Tokenize
from playground.protocol.events import CheckFinding, Scored, Tokenized

MOST_TOKENS = 256
CHANCE_MARGIN = 0.02  # nats below log V that count as better than chance
LEAST_AGREEMENT = 0.9
KINDS = (("kv_cache", "int8"), ("kv_cache", "int4"), ("weights", "int8"))
BASE = "check"
KEEP = "this model does not take it well; keep the model's own"


async def check_damage(engine: WorkerEngine) -> AsyncIterator[CheckFinding]:
    """Yield one finding for the text the model knows best, and one per kind of quantization that is possible here."""
    texts = usual_texts(engine.loaded.facts.path)
    tokenized = await engine.ask(Tokenize(key=BASE, texts=[text.content for text in texts]), Tokenized)
    most = min(MOST_TOKENS, engine.loaded.facts.context)
    ids = {text.name: tokens[:most] for text, tokens in zip(texts, tokenized.token_ids, strict=True)}
    try:
        scores = {name: await engine.ask(Score(key=name, token_ids=ids[name]), Scored) for name in ids}
    except EngineFailed as error:
        yield CheckFinding(name="perplexity", verdict="fail", evidence=error.message, advice=error.advice)
        return
    best = min(scores, key=lambda name: fmean(scores[name].nll))
    yield _perplexity(scores[best], best, engine.loaded.facts.vocabulary)
    base = await engine.ask(Score(key=BASE, token_ids=ids[best], keep_as=BASE), Scored)
    for name, value in KINDS:
        yield await _quantized(engine, ids[best], base, name, value)


async def _quantized(engine: WorkerEngine, ids: list[int], base: Scored, name: str, value: str) -> CheckFinding:
    support = engine.loaded.capabilities.toggle(name)
    choice = support.find(value) if support else None
    if choice is None or not choice.possible:
        reason = choice.reason if choice else "this engine has no such toggle"
        return CheckFinding(name=f"{name}={value}", verdict="pass", evidence=f"not looked at: {reason}")
    before = getattr(engine.fold.options, name)
    try:
        await engine.apply(**{name: value})
        scored = await engine.ask(Score(key=f"{name}={value}", token_ids=ids, against=BASE), Scored)
        found = _damage(f"{name}={value}", base, scored)
    except EngineFailed as error:
        found = CheckFinding(name=f"{name}={value}", verdict="warn", evidence=error.message, advice=KEEP)
    await engine.apply(**{name: before})
    return found


def _perplexity(scored: Scored, text: str, vocabulary: int) -> CheckFinding:
    nats, chance = fmean(scored.nll), log(vocabulary)
    blind = nats > chance - CHANCE_MARGIN
    return CheckFinding(
        name="perplexity",
        verdict="warn" if blind else "pass",
        evidence=f"{exp(nats):.4g} a token on {text}, its best text; guessing blindly gives {vocabulary}",
        advice="no better than chance: untrained, or tokenizer and weights do not belong together" if blind else "",
    )


def _damage(name: str, base: Scored, scored: Scored) -> CheckFinding:
    agreement = scored.agreement or 0.0
    kl, before, after = fmean(scored.kl), exp(fmean(base.nll)), exp(min(fmean(scored.nll), 700.0))
    return CheckFinding(
        name=name,
        verdict="pass" if agreement >= LEAST_AGREEMENT else "warn",
        evidence=f"top-1 agreement {agreement:.1%}, KL {kl:.3g} nats, perplexity {before:.4g} ▸ {after:.4g}",
        advice="" if agreement >= LEAST_AGREEMENT else KEEP,
    )
