"""KL from the likeliest ids of both sides, for engines that return no whole rows of logits."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, log

LIKELIEST = 20  # ids at each position: what vLLM returns unless it is started for more
LEAST = 1e-6  # least probability of the merged ids: rounding can make it 0 or negative

Row = Mapping[int, float]  # id to log-probability


def least_kl(base: Row, other: Row) -> float:
    """A lower bound of KL(base ‖ other) in nats: over the ids that both rows have, with all other ids merged into one.
    Merging ids makes a KL smaller, never larger."""
    both = base.keys() & other.keys()
    named = sum(exp(base[each]) * (base[each] - other[each]) for each in both)
    rest, others_rest = (max(LEAST, 1 - sum(exp(row[each]) for each in both)) for row in (base, other))
    return max(0.0, named + rest * log(rest / others_rest))


def least_rank(base: Row, other: Row) -> int:
    """The rank under `other` of the base's likeliest id, 0 the likeliest; a lower bound if `other` does not have it."""
    found = other.get(likeliest(base))
    return len(other) if found is None else sum(each > found for each in other.values())


def likeliest(row: Row) -> int:
    """The id with the highest log-probability."""
    return max(row, key=lambda each: row[each])
