"""The visible rows of any number of runs."""

from __future__ import annotations

from array import array

import pytest

from playground.session.history.run import Run
from playground.tui.history.run_list import RunList


@pytest.fixture
def runs() -> RunList:
    runs = RunList()
    runs.replace(array("q", range(100_000, 0, -1)))
    return runs


def test_only_what_is_seen_is_asked_for(runs):
    assert [place for place, _ in runs.rows(20)] == list(range(20))
    assert runs.wanted(20) == list(range(100_000, 100_000 - 40, -1)), "and a screen beyond"
    runs.learn(Run(id=each, at=0.0, kind="chat", model="m") for each in runs.wanted(20))
    assert runs.wanted(20) == []
    runs.move(1_000_000)
    assert runs.cursor == 99_999 and [place for place, _ in runs.rows(20)] == list(range(99_980, 100_000))


def test_the_cursor_stays_with_its_run(runs):
    runs.move(500)
    here = runs.ids[runs.cursor]
    runs.replace(array("q", range(100_010, 0, -1)))
    assert runs.ids[runs.cursor] == here
    runs.replace(array("q", [here, 3]))
    assert runs.cursor == 0
    assert [place for place, _ in runs.rows(20)] == [0, 1]


def test_on_the_first_run_the_cursor_follows_the_newest(runs):
    runs.replace(array("q", range(100_001, 0, -1)))
    assert runs.cursor == 0


def test_marks_are_kept_in_their_order(runs):
    runs.mark()
    runs.move(5)
    runs.mark()
    assert runs.marked == runs.chosen == [100_000, 99_994]
    runs.move(-1)
    runs.mark()
    assert runs.marked == [100_000]


def test_nothing_is_there():
    runs = RunList()
    runs.move(1), runs.mark(), runs.scroll(3, 5)
    assert runs.rows(10) == [] and runs.wanted(10) == [] and runs.chosen == [] and runs.current is None


def test_scrolling_takes_the_cursor_along_at_the_edge(runs):
    runs.rows(20)
    runs.scroll(30, 20)
    assert runs.top == 30 and runs.cursor == 30
    runs.scroll(-10, 20)
    assert runs.top == 20 and runs.cursor == 30
