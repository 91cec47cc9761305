"""Following, pausing, scrolling, zooming, the cursor."""

from __future__ import annotations

import pytest

from playground.tui.board.model import BoardModel
from playground.tui.board.viewport import Cell, Viewport
from tests.tui.widgets.drawing import lines
from tests.tui.widgets.steps import SECONDS, steps


@pytest.fixture
def view() -> Viewport:
    view = Viewport(BoardModel())
    view.width, view.height = 10, 2
    return view


def grow(view: Viewport, count: int, slots: int = 1) -> None:
    first = view.model.total
    view.model.add(steps(*["Ad " * count] * slots, first=first))


def test_the_board_fills_from_the_left_then_makes_room_by_half(view: Viewport) -> None:
    grow(view, 10)
    assert view.columns() == range(10)
    grow(view, 1)
    assert view.columns() == range(5, 15)
    grow(view, 5)
    assert view.columns() == range(10, 20)


def test_pause_stands_still_while_steps_go_on(view: Viewport) -> None:
    grow(view, 7)
    view.pause()
    usage, before = view.usage(), lines(view, 13, 2)[1]
    grow(view, 3)
    assert lines(view, 13, 2)[1] == before
    assert (view.columns(), view.newer(), view.usage()) == (range(10), 3, usage)
    view.pause()
    assert view.still is None
    assert view.usage().slot_steps == 10


def test_scrolling_back_and_forth_ends_in_following(view: Viewport) -> None:
    grow(view, 40)
    view.scroll(-10)
    assert view.columns() == range(20, 30)
    view.scroll(-1000)
    assert view.columns() == range(10)
    view.scroll(25)
    assert view.columns() == range(25, 35)
    view.scroll(10)
    assert view.still is None


def test_zoom_keeps_the_right_edge(view: Viewport) -> None:
    grow(view, 64)
    view.scroll(-24)
    assert view.columns().stop == 41
    view.zoom_by(1)
    assert (view.zoom, view.columns().stop) == (2, 21)
    for _ in range(9):
        view.zoom_by(1)
    assert view.zoom == 64
    for _ in range(9):
        view.zoom_by(-1)
    assert view.zoom == 1


def test_the_cursor_moves_within_what_there_is_and_takes_the_view_along(view: Viewport) -> None:
    grow(view, 30, slots=4)
    view.move(0, -1)
    assert view.cursor == Cell(0, 29)
    view.move(9, 0)
    assert view.cursor == Cell(3, 29)
    assert view.slots() == range(2, 4)
    view.move(0, -25)
    assert view.cursor == Cell(3, 4)
    assert view.columns() == range(4, 14)
    view.move(0, 1000)
    assert view.cursor == Cell(3, 29)
    view.follow()
    assert view.cursor is None


def test_an_empty_board_has_nothing_to_point_at(view: Viewport) -> None:
    view.move(1, 1)
    view.scroll(-5)
    view.pause()
    view.zoom_by(1)
    assert view.cursor is None
    assert view.usage().occupancy is None


def test_usage_is_of_what_is_seen(view: Viewport) -> None:
    view.model.add(steps("Ap " + "Ad " * 9 + "-- " * 10))
    view.scroll(-10)
    assert (view.columns(), view.usage().occupancy) == (range(10), 1.0)
    view.follow()
    assert view.usage().occupancy == 0.0


def test_on_a_shared_time_axis_the_slower_board_is_longer(view: Viewport) -> None:
    view.seconds = SECONDS
    view.model.add(steps("Ap Ad"))
    view.model.add(steps("Ad", first=2, start=100.0 + 6 * SECONDS))
    assert view.known() == range(7)
    assert "1 column = 3.91 ms" in lines(view, 100, 2)[0]
    assert lines(view, 13, 2)[1] == " 0 ▒A█████   "
    view.zoom_by(1)
    assert lines(view, 13, 2)[1] == " 0 A███      "
