"""Where sequences agree."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from playground.text.sequences import common_prefix, first_difference


@pytest.mark.parametrize(
    ("rows", "count"),
    [((), 0), (([1, 2],), 2), (([1, 2, 3], [1, 2]), 2), (([1, 2], [2, 2]), 0), (("abc", "abd", "abcd"), 2)],
)
def test_what_all_rows_begin_with(rows: tuple[Sequence[object], ...], count: int) -> None:
    assert common_prefix(*rows) == count


@pytest.mark.parametrize(
    ("one", "other", "at"), [([], [], None), ([1], [1], None), ([1], [1, 2], 1), ([1, 2], [1, 3], 1), ("a", "", 0)]
)
def test_the_end_of_one_is_a_difference(one: Sequence[object], other: Sequence[object], at: int | None) -> None:
    assert first_difference(one, other) == at
