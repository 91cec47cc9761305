"""Answer lengths of a load: lognormal or uniform between two bounds, or fixed."""

from __future__ import annotations

from math import exp, log
from random import Random
from typing import NamedTuple

FORM = "lognormal LOW..HIGH, uniform LOW..HIGH or fixed N, in tokens"
SIGMAS = 4  # standard deviations of a lognormal between its bounds; draws outside are clamped


class Lengths(NamedTuple):
    """`kind` is lognormal, uniform or fixed; both bounds of a fixed length are that length."""

    kind: str = "lognormal"
    low: int = 16
    high: int = 256

    def __str__(self) -> str:
        return f"fixed {self.low}" if self.kind == "fixed" else f"{self.kind} {self.low}..{self.high}"


def parse_lengths(text: str) -> Lengths:
    """Parse text in the form of `FORM`; raises `ValueError`."""
    kind, _, bounds = text.strip().partition(" ")
    low, dots, high = bounds.strip().partition("..")
    if kind == "fixed" and low.isdecimal() and not dots and int(low) >= 1:
        return Lengths(kind, int(low), int(low))
    if kind in ("lognormal", "uniform") and low.isdecimal() and high.isdecimal() and 1 <= int(low) < int(high):
        return Lengths(kind, int(low), int(high))
    raise ValueError(f"lengths cannot be {text!r}; it takes {FORM}")


def draw(lengths: Lengths, random: Random) -> int:
    """Draw the length of one answer, in tokens."""
    if lengths.kind == "fixed":
        return lengths.low
    if lengths.kind == "uniform":
        return random.randint(lengths.low, lengths.high)
    low, high = log(lengths.low), log(lengths.high)
    drawn = exp(random.gauss((low + high) / 2, (high - low) / SIGMAS))
    return min(lengths.high, max(lengths.low, round(drawn)))
