"""The header line and the text for the cursor."""

from __future__ import annotations

from playground.tui.board import text as board_text
from playground.tui.board.columns import StepScale
from playground.tui.board.model import BoardModel
from playground.tui.board.viewport import Cell, Viewport
from tests.tui.widgets.drawing import lines
from tests.tui.widgets.steps import steps

ONE = StepScale()


def model() -> BoardModel:
    model = BoardModel()
    model.add(steps("Ap Ap Aa Ad Ah", "Bp Bd Bd -- --", ends="3A", preempts="3B", first=1038))
    return model


def test_a_cell_tells_step_request_phase_tokens_and_duration() -> None:
    assert board_text.cell(model(), ONE, 0, 0) == "slot 0  step 1\u2009038  A prefill  32 tokens  3.91 ms"
    assert board_text.cell(model(), ONE, 0, 3) == "slot 0  step 1\u2009041  A decode, ends  1 token  3.91 ms"
    assert board_text.cell(model(), ONE, 1, 2) == "slot 1  step 1\u2009040  B decode, then preempted  1 token  3.91 ms"
    assert board_text.cell(model(), ONE, 0, 4) == "slot 0  step 1\u2009042  A held, idle  0 tokens  3.91 ms"
    assert board_text.cell(model(), ONE, 1, 4) == "slot 1  step 1\u2009042  empty  0 tokens  3.91 ms"


def test_a_draft_tells_how_many_held() -> None:
    assert "A draft accepted  4 tokens  2 of 3 drafts accepted" in board_text.cell(model(), ONE, 0, 2)


def test_a_merged_cell_counts_its_steps_by_phase() -> None:
    text = board_text.cell(model(), StepScale(4), 0, 0)
    assert text.startswith(
        "slot 0  steps 1\u2009038–1\u2009041  A prefill 2, draft accepted 1, decode 1, ends  69 tokens"
    )
    assert text.endswith("15.6 ms")


def test_beyond_the_newest_step_there_is_nothing() -> None:
    assert board_text.cell(model(), ONE, 0, 9) == "slot 0  no step"
    assert board_text.cell(model(), ONE, 7, 0).startswith("slot 7  step 1\u2009038  empty")


def test_the_queue_shows_its_front_by_letter() -> None:
    crowded = BoardModel()
    crowded.add(steps("Ap", waits=[f"w{number}" for number in range(9)]))
    assert board_text.waiting(crowded) == "B C D E F G +3"
    assert board_text.waiting(model()) == "0"


def test_the_header_keeps_its_columns() -> None:
    view = Viewport(BoardModel())
    empty = lines(view, 100, 3)[0]
    assert empty.rstrip() == " Batch   step –       occupancy – %     waste – %     waiting –"
    view.model.add(steps("Ap Ad Ah", "Bp Bd Bd", first=1040))
    full = lines(view, 100, 3)[0]
    assert full.rstrip() == " Batch   step 1\u2009042   occupancy 83 %    waste 17 %    waiting 0"
    assert [full.index(word) for word in ("occupancy", "waiting")] == [
        empty.index(word) for word in ("occupancy", "waiting")
    ]


def test_keys_stand_in_the_header_where_they_work_and_fit() -> None:
    view = Viewport(model())
    assert "space pause" in lines(view, 120, 3, focused=True)[0]
    assert "space pause" not in lines(view, 120, 3, focused=False)[0]
    assert "space pause" not in lines(view, 80, 3, focused=True)[0]


def test_the_header_says_paused_zoomed_and_what_the_cursor_is_on() -> None:
    view = Viewport(model())
    view.zoom_by(1)
    view.pause()
    view.model.add(steps("Ad Ad", "-- --", first=1043))
    assert "1 column = 2 steps   paused, 2 newer" in lines(view, 120, 3)[0]
    view.point(Cell(0, 0))
    assert lines(view, 120, 3)[0].startswith(" Batch   slot 0  steps 1\u2009038–1\u2009039  A prefill 2  64 tokens")


def test_a_board_alone_has_taller_rows_and_its_legend() -> None:
    view = Viewport(BoardModel())
    view.model.add(steps("Ap Ad Ad", "Bp Bd --"))
    assert [line.rstrip() for line in lines(view, 60, 8, alone=True)[1:]] == [
        " 0 ▒A█",
        "   ▒A█",
        "",
        " 1 ▒B",
        "   ▒B",
        "",
        " ▒prefill  █decode  ▓draft  ·held  ┤end  !preempted",
    ]
    assert len(lines(view, 60, 3, alone=True)) == 3 and view.height == 1
