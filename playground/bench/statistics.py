"""Estimates with their uncertainty."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

Z_95 = 1.959963984540054


def pass_at_k(n: int, c: int, k: int) -> float:
    """The unbiased estimate 1 − C(n−c, k) / C(n, k) of passing with one of `k` samples, if `c` of `n` are right.

    Raises `ValueError` if there are fewer samples than `k`, or more right ones than samples.
    """
    if not (1 <= k <= n and 0 <= c <= n):
        raise ValueError(f"pass@{k} needs k from 1 to n and c from 0 to n, not n = {n}, c = {c}")
    missed = 1.0
    for wrong in range(n - c - k + 1, n - c + 1):
        missed *= max(0, wrong) / (wrong + c)
    return 1.0 - missed


def wilson(share: float, n: int) -> tuple[float, float]:
    """The Wilson score interval of a share of `n` trials at 95 %; (0, 1) without trials."""
    if n == 0:
        return 0.0, 1.0
    z = Z_95
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def mean(values: Sequence[float]) -> float | None:
    """The mean; None without values."""
    return sum(values) / len(values) if values else None
