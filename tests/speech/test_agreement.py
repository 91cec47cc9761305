"""LocalAgreement-2: what two runs in a row agree on is confirmed, and stays."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from playground.speech.agreement import Agreement

WORDS = st.lists(st.sampled_from(["write", "a", "Function", "that", "adds", "two."]), max_size=6).map(" ".join)


def shown(*runs: str) -> list[tuple[str, str]]:
    """(confirmed, partial) after each run."""
    agreement, seen = Agreement(), []
    for run in runs:
        agreement.add(run)
        seen.append((agreement.confirmed, agreement.partial))
    return seen


def test_a_word_is_confirmed_when_two_runs_in_a_row_have_it():
    assert shown("write", "write a function which", "write a function that adds") == [
        ("", "write"),
        ("write", "a function which"),
        ("write a function", "that adds"),
    ]


def test_case_and_punctuation_are_no_disagreement():
    assert shown("Write, a", "write a function")[-1] == ("write a", "function")


def test_a_run_that_reads_the_confirmed_words_differently_changes_only_what_follows():
    seen = shown("write a function", "write a function", "right a function that adds")
    assert seen[-1] == ("write a function", "that adds")


def test_a_run_that_heard_nothing_new_confirms_nothing():
    agreement = Agreement()
    agreement.add("write a python")
    agreement.add("write a python", confirms=False)
    assert (agreement.confirmed, agreement.partial) == ("", "write a python")
    agreement.add("write a function")
    assert (agreement.confirmed, agreement.partial) == ("write a", "function")


@given(st.lists(WORDS, max_size=6))
def test_what_is_confirmed_never_changes(runs):
    agreement, before = Agreement(), []
    for run in runs:
        agreement.add(run)
        now = agreement.confirmed.split()
        assert now[: len(before)] == before
        before = now
