"""Figures of teacher-forced scores: per text and over all texts together (see `FORMULAS`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import exp, log
from statistics import fmean

import msgspec

from playground.bench.quality.tallies import Tallies, Tally
from playground.bench.texts import Text

LN2 = log(2)


class Perplexity(msgspec.Struct, frozen=True, kw_only=True):
    """Over `tokens` predictions, and over the bytes that they cover."""

    tokens: int
    nats_per_token: float | None
    perplexity: float | None
    bits_per_byte: float | None


class Distance(msgspec.Struct, frozen=True, kw_only=True):
    """KL(base ‖ this) in nats per token, and the share of positions at which both find the same id likeliest."""

    kl_mean: float | None
    kl_max: float | None
    agreement: float | None
    rank_mean: float | None


class TextQuality(msgspec.Struct, frozen=True, kw_only=True):
    """One text, or all together. Without a base only `own` is set; `noise` is the base against itself."""

    name: str
    language: str
    domain: str
    bytes: int
    own: Perplexity
    base: Perplexity | None = None
    distance: Distance | None = None
    noise: Distance | None = None


def text_quality(tallies: Tallies) -> TextQuality:
    """Figures of one text."""
    text = tallies.text
    return _quality(text.name, text.language, text.domain, tallies.size, tallies)


def total_quality(texts: Sequence[Tallies]) -> TextQuality:
    """Figures over all texts, each token with the same weight."""
    whole = Tallies(Text("all", "", "", ""), sum(each.tokens for each in texts))
    for each in texts:
        whole.own.extend(each.own)
        whole.base.extend(each.base)
        whole.again.extend(each.again)
    return _quality("all", "", "", sum(each.size for each in texts), whole)


def perplexity(nll: Sequence[float], size: float) -> Perplexity:
    """Figures of one series; `size`: bytes of text that the predictions cover."""
    mean = fmean(nll) if nll else None
    return Perplexity(
        tokens=len(nll),
        nats_per_token=mean,
        perplexity=None if mean is None or mean > 700 else exp(mean),
        bits_per_byte=sum(nll) / LN2 / size if nll and size else None,
    )


def distance(tally: Tally) -> Distance | None:
    """Distance from the base; None if nothing was compared."""
    if not tally.kl:
        return None
    return Distance(
        kl_mean=fmean(tally.kl),
        kl_max=max(tally.kl),
        agreement=_share(tally.agreed),
        rank_mean=fmean(tally.rank),
    )


def _quality(name: str, language: str, domain: str, size: float, tallies: Tallies) -> TextQuality:
    return TextQuality(
        name=name,
        language=language,
        domain=domain,
        bytes=round(size),
        own=perplexity(tallies.own.nll, size),
        base=perplexity(tallies.base.nll, size) if tallies.base.nll else None,
        distance=distance(tallies.own),
        noise=distance(tallies.again),
    )


def _share(values: Iterable[bool]) -> float | None:
    found = list(values)
    return sum(found) / len(found) if found else None
