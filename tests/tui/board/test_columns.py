"""Columns that hold one step, several, or a part of one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from playground.tui.board.columns import StepScale, TimeScale, columns, pieces, steps_in
from playground.tui.board.model import BoardModel
from tests.tui.widgets.drawing import rows
from tests.tui.widgets.steps import SECONDS, folded, steps


def test_one_step_a_column() -> None:
    model = folded("Ap Ap Ad Aa Ad Ad Ah Ah", "Bp Bd Bd -- -- Bp Bd Bd", ends="5A 7B", preempts="3B")
    assert rows(model) == ["A▒█▓█┤··", "▒B!  ▒B┤"]


def test_a_prefill_of_one_step_is_seen() -> None:
    assert rows(folded("Ap Ad Ad Ad", "-- Bp Bd --", "-- Cp Cp Cd")) == ["▒A██", " ▒B", " C▒█"]
    assert rows(folded("Ap Ad Ad Ad Ad Ad Ad Ad"), zoom=4) == ["A█"], "decode fills most of the column"
    model = BoardModel()
    for number in range(8):
        model.letters[f"earlier {number}"]
    model.add(steps("Ip Id Id Id", "Jp Jd -- --"))
    assert rows(model) == ["▒A'█", "B'"]


def test_a_request_of_one_step_shows_its_letter() -> None:
    assert rows(folded("Ap Bp Bd", ends="0A 2B")) == ["AB┤"]


def test_second_round_of_letters_has_its_prime() -> None:
    model = BoardModel()
    for number in range(8):
        model.letters[f"earlier {number}"]
    model.add(steps("Ip Ip Id Id", "Jp Jd -- --", ends="1J 3I"))
    assert rows(model) == ["A'█┤", "B┤"]


def test_long_runs_repeat_their_letter_more_often_without_colour() -> None:
    model = folded("Ap " + "Ad " * 39)
    assert rows(model, width=60) == ["▒A" + "█" * 10 + "A" + "█" * 23 + "A" + "█" * 3]
    assert rows(model, width=60, every=6) == ["▒A█" + "A█████" * 6 + "A"]


def test_merged_columns_show_what_filled_most_of_them() -> None:
    model = folded("Ap Ap Ap Ad Ad Ad Ad Ad Aa Aa Aa Ad Ad Ad Ad Ad", "-- -- -- Bp Bd Bd Bd Bd -- -- -- -- -- -- -- --")
    assert rows(model, zoom=4) == ["▒A▓█", "▒B"]


def test_merged_columns_never_lose_an_event() -> None:
    starts = folded("Ap Ad Bp Bd Bd Bd Bd Bd", ends="1A")
    assert rows(starts, zoom=2) == ["AB██"]
    assert rows(starts, zoom=4) == ["+█"]
    ends = folded("Ap Ad Ad Ad Ad Ah Ah Ah", ends="4A")
    assert rows(ends, zoom=4) == ["A┤"]
    preempted = folded("Ap Ad Ad Ad Ad Ad -- Bp", "Cp Cd Cd Cd Cd Cd Cd Cd", preempts="6A")
    assert rows(preempted, zoom=4) == ["A!", "B█"]


def test_columns_are_counted_in_kept_steps() -> None:
    model = folded("Ap Ad Ad Ad Ad")
    assert columns(model, StepScale(2), model.total) == range(3)
    assert columns(model, StepScale(2), 4) == range(2)
    assert list(steps_in(model, StepScale(2), 2)) == [4]
    assert not columns(BoardModel(), StepScale(), 0)


def test_on_a_time_axis_a_long_step_is_wide() -> None:
    model = BoardModel()
    model.add(steps("Ap"))
    model.add(steps("Ad Ad", first=1, start=100.0 + 10 * SECONDS, ends="1A"))
    scale = TimeScale(model, SECONDS)
    assert columns(model, scale, model.total) == range(12)
    shown = [(piece.first, piece.end, piece.mark) for piece in pieces(model.runs[0], scale, 0, 12)]
    assert shown == [(0, 1, "start"), (10, 11, ""), (11, 12, "end")]


cell = st.sampled_from(["--", "Ap", "Ad", "Ah", "Bp", "Bd", "Aa"])


@given(st.lists(cell, min_size=1, max_size=60), st.sampled_from([1, 2, 4, 8]), st.integers(0, 70))
def test_a_column_is_empty_exactly_if_all_its_steps_are(row: list[str], zoom: int, first: int) -> None:
    model = folded(" ".join(row))
    seen = range(first // zoom, len(row) // zoom + 2)
    shown = [
        column
        for piece in pieces(model.runs[0], StepScale(zoom), seen.start, seen.stop)
        for column in range(*piece[:2])
    ]
    assert len(shown) == len(set(shown))
    filled = {number // zoom for number, work in enumerate(row) if work != "--"}
    assert {column for column in shown if column in seen} == {column for column in filled if column in seen}
