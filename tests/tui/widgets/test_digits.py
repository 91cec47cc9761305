"""Big digits."""

from __future__ import annotations

import pytest

from playground.tui.widgets.speed.digits import FONT, big_digits, bigger_digits


def test_half_block_digits() -> None:
    assert big_digits("18.4") == (
        "▄█  █▀█  █ █",
        " █  █▀█  ▀▀█",
        "▀▀▀ ▀▀▀▝   ▀",
    )


@pytest.mark.parametrize("character", FONT)
def test_every_glyph_is_three_lines_of_one_width(character: str) -> None:
    assert len({len(line) for line in big_digits(character)}) == 1
    assert len(big_digits(character)) == 3


def test_larger_digits_are_twice_as_wide() -> None:
    assert [len(line) for line in bigger_digits("352")] == [2 * len(big_digits("352")[0])] * 5


def test_numbers_of_as_many_characters_take_as_much_room() -> None:
    assert {len(big_digits(text)[0]) for text in ("1.11", "28.4", "88.8")} == {12}


def test_a_letter_that_is_no_digit_is_refused() -> None:
    with pytest.raises(KeyError):
        big_digits("x")
