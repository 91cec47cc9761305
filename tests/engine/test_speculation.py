"""Prompt lookup: the longest run of newest tokens that occurred before, its last occurrence, and repetition."""

from __future__ import annotations

from playground.engine.speculation import NgramIndex


def test_what_followed_the_last_time() -> None:
    assert NgramIndex().propose([1, 2, 3, 8, 1, 2, 3, 9, 1, 2, 3], 4) == [9, 1, 2, 3]


def test_a_longer_run_says_more_than_a_later_one() -> None:
    assert NgramIndex().propose([5, 1, 2, 7, 7, 6, 1, 2, 8, 5, 1, 2], 1) == [7]


def test_nothing_where_the_newest_tokens_are_new() -> None:
    assert NgramIndex().propose([1, 2, 3, 4, 5, 3], 4) == []
    assert NgramIndex().propose([1], 4) == []
    assert NgramIndex().propose([1, 2, 1, 2, 1, 2], 0) == []


def test_a_match_at_the_end_goes_on_in_its_own_draft() -> None:
    assert NgramIndex().propose([4, 7, 8, 7, 8], 5) == [7, 8, 7, 8, 7]


def test_asked_again_as_tokens_come() -> None:
    index, ids = NgramIndex(), [1, 2, 3, 1, 2]
    assert index.propose(ids, 2) == [3, 1]
    ids += [9, 1, 2]
    assert index.propose(ids, 2) == [9, 1] == NgramIndex().propose(ids, 2)
