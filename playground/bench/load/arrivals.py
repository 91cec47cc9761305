"""When the requests of a load arrive: all at once, at random with a rate, or in bursts."""

from __future__ import annotations

from itertools import accumulate
from math import isfinite
from random import Random
from typing import NamedTuple

FORM = "all, poisson:RATE (requests a second) or burst:SIZE (so many together, each second)"


class Arrivals(NamedTuple):
    """`kind` is all, poisson or burst; `amount` is the rate of poisson and the size of burst."""

    kind: str = "all"
    amount: float = 0.0

    def __str__(self) -> str:
        return f"{self.kind}:{self.amount:g}" if self.amount else self.kind

    @property
    def timed(self) -> bool:
        """Whether some requests arrive later than others, so that the speed of the steps decides which run together."""
        return self.kind != "all"


def parse_arrivals(text: str) -> Arrivals:
    """Parse text in the form of `FORM`; raises `ValueError`."""
    kind, _, amount = text.partition(":")
    if text == "all":
        return Arrivals()
    number = _number(amount)
    if kind == "poisson" and isfinite(number) and number > 0:
        return Arrivals(kind, number)
    if kind == "burst" and number >= 1 and number.is_integer():
        return Arrivals(kind, number)
    raise ValueError(f"arrivals cannot be {text!r}; it takes {FORM}")


def delays(arrivals: Arrivals, count: int, random: Random) -> list[float]:
    """Seconds from submission to each arrival, rising; the first is 0."""
    if arrivals.kind == "poisson":
        return list(accumulate((random.expovariate(arrivals.amount) for _ in range(count - 1)), initial=0.0))
    if arrivals.kind == "burst":
        return [float(index // int(arrivals.amount)) for index in range(count)]
    return [0.0] * count


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
