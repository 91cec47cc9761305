"""The board in an app: redraws, keys, mouse, themes."""

from __future__ import annotations

import asyncio
from time import monotonic

import pytest
from textual.pilot import Pilot
from textual.strip import Strip

from playground.theme import load_theme
from playground.tui.board.viewport import Cell
from playground.tui.widgets.board.board import REDRAWS_PER_SECOND, BatchBoard
from tests.tui.widgets.panels_app import PanelsApp
from tests.tui.widgets.steps import steps


def board_of(pilot: Pilot[None]) -> BatchBoard:
    return pilot.app.query_one(BatchBoard)


def text(board: BatchBoard) -> list[str]:
    return [strip.text.rstrip() for strip in board.render_lines(board.size.region)]


async def settle(pilot: Pilot[None]) -> None:
    await pilot.pause(2 / REDRAWS_PER_SECOND)


async def test_the_screen_shows_what_the_steps_said() -> None:
    async with PanelsApp().run_test(size=(100, 30)) as pilot:
        assert text(board_of(pilot))[1:] == [
            " 0 A▒███▓▓██┤··A·",
            " 1 ▒B█!  B▒████B┤",
            " 2  E▒▒████┤▒F█F█",
            " 3",
        ]


async def test_redraws_are_bounded_however_often_steps_come(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[float] = []
    draw = BatchBoard.render_line

    def counted(board: BatchBoard, y: int) -> Strip:
        if y == 1:
            drawn.append(monotonic())
        return draw(board, y)

    async with PanelsApp().run_test(size=(100, 30)) as pilot:
        board = board_of(pilot)
        await settle(pilot)
        monkeypatch.setattr(BatchBoard, "render_line", counted)
        for number in range(100):
            board.add_steps(steps("Ad", "Bd", "--", "--", first=number))
            await asyncio.sleep(0.005)
        await settle(pilot)
        seconds = drawn[-1] - drawn[0]
        assert len(drawn) - 1 <= seconds * REDRAWS_PER_SECOND * 1.1
        assert "step 99" in text(board)[0]
        at_rest = len(drawn)
        await settle(pilot)
        assert len(drawn) == at_rest


async def test_space_pauses_the_view_and_keeps_collecting() -> None:
    async with PanelsApp().run_test(size=(100, 30)) as pilot:
        board = board_of(pilot)
        board.focus()
        await pilot.press("space")
        before = text(board)[1:]
        board.add_steps(steps("Ad Ad", "-- --", "-- --", "-- --", first=1043))
        await settle(pilot)
        assert text(board)[1:] == before
        assert "paused, 2 newer" in text(board)[0]
        await pilot.press("space")
        await settle(pilot)
        assert text(board)[1].startswith(before[0])
        assert len(text(board)[1]) == len(before[0]) + 2


async def test_keys_zoom_look_and_follow() -> None:
    async with PanelsApp().run_test(size=(100, 30)) as pilot:
        board = board_of(pilot)
        board.focus()
        await pilot.press("minus")
        assert "1 column = 2 steps" in text(board)[0]
        await pilot.press("plus", "left", "left", "down")
        assert "slot 1  step 1\u2009041  B decode" in text(board)[0]
        await pilot.press("home")
        assert board.view.columns().start == 0
        await pilot.press("end")
        assert "occupancy" in text(board)[0]


async def test_a_click_puts_the_cursor_on_a_cell() -> None:
    async with PanelsApp().run_test(size=(100, 30)) as pilot:
        board = board_of(pilot)
        await pilot.click(BatchBoard, offset=(7, 2))
        assert board.view.cursor == Cell(1, 4)
        await pilot.click(BatchBoard, offset=(3, 1))
        assert "slot 0  step 1\u2009029  A prefill  32 tokens" in text(board)[0]
        await pilot.click(BatchBoard, offset=(60, 1))
        assert board.view.cursor == Cell(0, 0)


async def test_slots_that_do_not_fit_come_with_the_cursor() -> None:
    async with PanelsApp().run_test(size=(100, 30)) as pilot:
        board = board_of(pilot)
        board.styles.height = 3
        board.focus()
        await settle(pilot)
        assert [line[:3] for line in text(board)[1:]] == [" 0 ", " 1↓"]
        await pilot.press("left", "down", "down", "down")
        assert [line[:3] for line in text(board)[1:]] == [" 2↑", " 3"]


async def test_clear_empties_the_board() -> None:
    async with PanelsApp().run_test(size=(100, 30)) as pilot:
        board = board_of(pilot)
        board.clear()
        await settle(pilot)
        assert text(board)[0].startswith(" Batch   step –")
        assert board.model.total == 0


async def test_colours_follow_the_theme() -> None:
    async with PanelsApp().run_test(size=(100, 30)) as pilot:
        board = board_of(pilot)
        dark = board.render_line(1)
        pilot.app.register_theme(load_theme("light"))
        pilot.app.theme = "light"
        await settle(pilot)
        light = board.render_line(1)
        assert light.text == dark.text
        assert [segment.style for segment in light] != [segment.style for segment in dark]


async def test_every_few_cells_a_letter_without_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with PanelsApp().run_test(size=(100, 30)) as pilot:
        board = board_of(pilot)
        board.clear()
        board.add_steps(steps("Ap " + "Ad " * 60, "Bp " + "Bd " * 60))
        await settle(pilot)
        for letter, line in zip("AB", text(board)[1:], strict=True):
            cells = line[3:]
            assert all(letter in cells[at : at + 6] for at in range(len(cells) - 6))


async def test_steps_may_come_before_the_board_is_on_the_screen() -> None:
    board = BatchBoard()
    board.add_steps(steps("Ap Ad"))
    assert board.model.total == 2
