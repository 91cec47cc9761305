"""Perplexity against chance, and what quantized KV and int8 weights do to it: teacher-forced on the same ids."""

from __future__ import annotations

from collections.abc import AsyncIterator
from math import exp, isfinite, log
from statistics import fmean

from playground.bench.engine import Engine
from playground.bench.texts import bundled_texts
from playground.protocol.commands import Score, Tokenize
from playground.protocol.events import CheckFinding, Scored, Tokenized

MOST_TOKENS = 512
CHANCE_MARGIN = 0.02  # nats below log V that count as better than chance
LEAST_AGREEMENT = 0.9
KINDS = (("kv_cache", "int8"), ("kv_cache", "int4"), ("weights", "int8"))
BASE = "check"


async def check_damage(engine: Engine) -> AsyncIterator[CheckFinding]:
    """One finding for the base, one per kind of quantization that is possible here."""
    text = "\n".join(text.content[:1200] for text in bundled_texts())
    tokenized = await engine.ask(Tokenize(key=BASE, texts=[text]), Tokenized)
    ids = tokenized.token_ids[0][: min(MOST_TOKENS, engine.loaded.facts.context)]
    base = await engine.ask(Score(key=BASE, token_ids=ids, keep_as=BASE), Scored)
    yield _perplexity(base, engine.loaded.facts.vocabulary)
    if not all(map(isfinite, base.nll)):
        return
    for name, value in KINDS:
        support = engine.loaded.capabilities.toggle(name)
        found = support.find(value) if support else None
        if found is None or not found.possible:
            reason = found.reason if found else "this engine has no such toggle"
            yield CheckFinding(name=f"{name}={value}", verdict="pass", evidence=f"not looked at: {reason}")
            continue
        before = engine.fold.effective[name]
        await engine.apply(**{name: value})
        scored = await engine.ask(Score(key=f"{name}={value}", token_ids=ids, against=BASE), Scored)
        await engine.apply(**{name: before})
        yield _damage(f"{name}={value}", base, scored)


def _perplexity(scored: Scored, vocabulary: int) -> CheckFinding:
    if not all(map(isfinite, scored.nll)):
        evidence, advice = (
            "the logits hold NaN or Inf",
            "try dtype=float32; if that is no better, the weights are broken",
        )
        return CheckFinding(name="perplexity", verdict="fail", evidence=evidence, advice=advice)
    nats, chance = fmean(scored.nll), log(vocabulary)
    blind = nats > chance - CHANCE_MARGIN
    return CheckFinding(
        name="perplexity",
        verdict="warn" if blind else "pass",
        evidence=f"{exp(nats):.3g} a token over {len(scored.nll)} tokens; guessing blindly gives {vocabulary}",
        advice="no better than chance: untrained, or tokenizer and weights do not belong together" if blind else "",
    )


def _damage(name: str, base: Scored, scored: Scored) -> CheckFinding:
    agreement = scored.agreement or 0.0
    before, after = exp(fmean(base.nll)), exp(min(fmean(scored.nll), 700.0))
    return CheckFinding(
        name=name,
        verdict="pass" if agreement >= LEAST_AGREEMENT else "warn",
        evidence=f"top-1 agreement {agreement:.1%}, KL {fmean(scored.kl):.3g} nats, perplexity {before:.4g} ▸ {after:.4g}",
        advice="" if agreement >= LEAST_AGREEMENT else "this model does not take it well; keep the model's own",
    )
