"""pass@k against the published estimator in exact arithmetic and against counting every draw."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.bench.statistics import pass_at_k, wilson

COUNTS = st.integers(1, 400).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n)))
SMALL = st.integers(1, 9).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n)))


@given(COUNTS)
@settings(max_examples=300, deadline=None)
def test_it_is_the_published_estimator(counts: tuple[int, int, int]) -> None:
    n, c, k = counts
    exact = 1 - Fraction(comb(n - c, k), comb(n, k))
    assert pass_at_k(n, c, k) == pytest.approx(float(exact), abs=1e-12)


@given(SMALL)
@settings(max_examples=100, deadline=None)
def test_it_is_the_share_of_draws_with_a_right_one(counts: tuple[int, int, int]) -> None:
    n, c, k = counts
    draws = list(combinations(range(n), k))
    share = sum(any(sample < c for sample in draw) for draw in draws) / len(draws)
    assert pass_at_k(n, c, k) == pytest.approx(share, abs=1e-12)


@pytest.mark.parametrize(("n", "c", "k"), [(4, 0, 5), (4, 5, 1), (4, 1, 0), (0, 0, 1), (3, -1, 1)])
def test_impossible_counts_are_refused(n: int, c: int, k: int) -> None:
    with pytest.raises(ValueError):
        pass_at_k(n, c, k)


def test_wilson_solves_its_defining_equation() -> None:
    z = 1.959963984540054
    for passed, n in ((0, 5), (5, 5), (3, 40), (82, 164)):
        share = passed / n
        for bound in wilson(share, n):
            assert (share - bound) ** 2 == pytest.approx(z * z * bound * (1 - bound) / n, abs=1e-9)
    assert wilson(0.0, 0) == (0.0, 1.0)
