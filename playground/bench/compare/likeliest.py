"""KL from the likeliest ids of both sides alone, for engines that hand out no whole rows of logits."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, log

LIKELIEST = 20  # at each position; what vLLM hands out unless it is started for more
LEAST = 1e-6  # of probability: what rounding leaves of a rest that is none

Row = Mapping[int, float]  # id to log-probability


def least_kl(base: Row, other: Row) -> float:
    """KL(base ‖ other) in nats, over the ids that both name and all others taken as one. Telling fewer ids apart makes
    a KL smaller and never larger, so that this is what it comes to at least."""
    both = base.keys() & other.keys()
    named = sum(exp(base[each]) * (base[each] - other[each]) for each in both)
    rest, others_rest = (max(LEAST, 1 - sum(exp(row[each]) for each in both)) for row in (base, other))
    return max(0.0, named + rest * log(rest / others_rest))


def least_rank(base: Row, other: Row) -> int:
    """The rank under `other` of the base's likeliest id, 0 the likeliest; that many at least where it is not named."""
    found = other.get(likeliest(base))
    return len(other) if found is None else sum(each > found for each in other.values())


def likeliest(row: Row) -> int:
    """The id at the top."""
    return max(row, key=lambda each: row[each])
