"""Folding steps: runs, marks, occupancy and waste, bounded memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from playground.tui.board.model import BoardModel, SlotRun, Usage
from tests.tui.widgets.drawing import rows
from tests.tui.widgets.steps import folded, steps


def test_equal_cells_become_one_run() -> None:
    model = folded("Ap Ap Ad Ad Ad", ends="4A")
    assert model.runs == [[SlotRun(0, 1, "A", "prefill", starts=True), SlotRun(2, 4, "A", "decode", ends=True)]]


def test_usage_counts_slot_steps_busy_and_held() -> None:
    model = folded("Ap Ad Ah Ah", "Bp Bd Bd Bd", ends="1A 3B")
    assert model.usage == Usage(busy=6, held=2, slot_steps=8)
    assert (model.usage.occupancy, model.usage.waste) == (0.75, 0.25)
    assert model.usage_of(2, 3) == Usage(busy=2, held=2, slot_steps=4)
    assert model.usage_of(4, 9).occupancy is None


def test_held_rows_end_where_they_were_last_busy() -> None:
    model = folded("Ap Ad Ah Ah", ends="1A")
    assert [run.ends for run in model.runs[0]] == [False, True, False]
    assert not model.runs[0][-1].starts


def test_a_preempted_request_is_marked_where_it_was_and_starts_again() -> None:
    model = folded("Ap Ad Ad -- -- Ap Ad", "Bp Bd Bd Bd Bd Bd Bd", preempts="3A")
    assert model.runs[0] == [
        SlotRun(0, 0, "A", "prefill", starts=True),
        SlotRun(1, 2, "A", "decode", preempted=True),
        SlotRun(5, 5, "A", "prefill", starts=True),
        SlotRun(6, 6, "A", "decode"),
    ]


def test_an_aborted_request_ends_in_the_step_before_it_is_told() -> None:
    model = folded("Ap Ad Ad -- --", "Bp Bd Bd Bd Bd", ends="4A")
    assert model.runs[0][-1] == SlotRun(1, 2, "A", "decode", ends=True)


def test_an_end_that_no_step_tells_is_marked_and_one_told_too_early_moves() -> None:
    model = BoardModel()
    model.add(steps("Ap Ad Ad"))
    model.finish(["A"])
    assert rows(model) == ["▒A┤"]
    model.add(steps("Ad Ad", first=3))
    assert rows(model) == ["▒A███"]
    model.finish(["A", "B"])
    model.add(steps("-- Ap", first=5))
    assert rows(model) == ["▒A██┤ A"]


def test_a_request_that_pauses_in_its_slot_does_not_start_again() -> None:
    model = folded("Ap -- Ap Ad")
    assert [run.starts for run in model.runs[0]] == [True, False, False]


def test_drafts_that_held_are_their_own_kind() -> None:
    model = folded("Ap Aa Aa Ad")
    assert [run.kind for run in model.runs[0]] == ["prefill", "draft", "decode"]
    assert model.moment(1).drafts == {0: (3, 2)}


def test_letters_follow_the_order_of_appearance_also_of_those_that_wait() -> None:
    model = BoardModel()
    model.add(steps("Xp Xd", "Yp Yd", waits=["Q", "R"]))
    assert [model.letters[name].text for name in "XYQR"] == ["A", "B", "C", "D"]
    assert model.waiting == ["Q", "R"]


def test_slots_that_are_added_later_count_from_then_on() -> None:
    model = BoardModel()
    model.add(steps("Ap Ad"))
    model.add(steps("Ad Ad", "Bp Bd", "-- --", first=2))
    assert len(model.runs) == 3
    assert model.usage == Usage(busy=6, held=0, slot_steps=8)


def test_memory_is_bounded_while_usage_covers_all() -> None:
    model = BoardModel(kept=80)
    for number in range(100):
        request = "AB"[number % 2]
        model.add(steps(f"{request}p {request}d", "-- --", ends=f"1{request}", first=2 * number))
    assert model.total - model.first <= 45
    assert min(run.last for run in model.runs[0]) >= model.first
    assert model.usage == Usage(busy=200, held=0, slot_steps=400)
    assert model.moment(model.first).step_index == model.first
    assert model.usage_of(0, model.total).slot_steps == 2 * (model.total - model.first)


def test_clear_begins_again_and_keeps_the_letters() -> None:
    model = folded("Ap Ad", "Bp Bd")
    model.clear()
    model.add(steps("Bp Bd", start=7.0))
    assert (model.total, model.origin, model.letters["B"].text) == (2, 7.0, "B")
    assert model.usage == Usage(2, 0, 2)


STEPS = st.lists(st.sampled_from(["--", "Ap", "Ad", "Ah", "Bp", "Bd", "Aa"]), min_size=3, max_size=3)


@given(st.lists(STEPS, min_size=1))
def test_runs_say_for_every_cell_what_the_steps_said(grid: list[list[str]]) -> None:
    model = folded(*(" ".join(step[slot] for step in grid) for slot in range(3)))
    assert len(model.runs) == 3
    kinds = {"p": "prefill", "d": "decode", "h": "held", "a": "draft"}
    for slot, runs in enumerate(model.runs):
        cells = {step: (run.request_id, run.kind) for run in runs for step in range(run.first, run.last + 1)}
        told = {number: step[slot] for number, step in enumerate(grid) if step[slot] != "--"}
        assert cells == {number: (cell[0], kinds[cell[1]]) for number, cell in told.items()}


def test_usage_of_an_empty_board_is_unknown() -> None:
    assert BoardModel().usage.occupancy is None
    assert BoardModel().usage_of(0, 9).waste is None
