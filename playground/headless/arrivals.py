"""When requests arrive: all at once, at random with a rate, or as their file says."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import isfinite
from random import Random

from playground.headless.errors import UsageError
from playground.headless.prompts import PromptLine

FORMS = "all, poisson:RATE (requests a second) or recorded"


@dataclass(frozen=True)
class Arrivals:
    """`kind` all, poisson or recorded; `rate` in requests a second where it is poisson."""

    kind: str = "all"
    rate: float = 0.0


def parse_arrivals(text: str) -> Arrivals:
    """Read the value of `--arrivals`."""
    kind, _, rate = text.partition(":")
    if text in ("all", "recorded"):
        return Arrivals(text)
    try:
        number = float(rate)
    except ValueError:
        number = 0.0
    if kind != "poisson" or not isfinite(number) or number <= 0:
        raise ArgumentTypeError(f"cannot be {text!r}; it takes {FORMS}")
    return Arrivals(kind, number)


def delays(arrivals: Arrivals, lines: Sequence[PromptLine], seed: int) -> list[float]:
    """Seconds after the submission at which each request arrives. Of a Poisson process the first arrives at once."""
    if arrivals.kind == "poisson":
        random = Random(seed)
        gaps = (random.expovariate(arrivals.rate) for _ in lines[1:])
        return list(accumulate(gaps, initial=0.0))
    if arrivals.kind == "recorded":
        return [_recorded(number, line) for number, line in enumerate(lines, 1)]
    return [0.0] * len(lines)


def _recorded(number: int, line: PromptLine) -> float:
    if line.arrival_s is None:
        raise UsageError(f"--arrivals recorded needs an arrival_s in every line, and prompt {number} has none")
    return line.arrival_s
