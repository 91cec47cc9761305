"""Letters and colours of requests."""

from __future__ import annotations

from playground.tui.letters import Letter, Letters


def test_sixteen_letters_then_again_with_eight_colours() -> None:
    letters = Letters()
    given = [letters[f"request {number}"] for number in range(18)]
    assert [letter.text for letter in given[:8]] == list("ABCDEFGH")
    assert [letter.text for letter in given[8:16]] == ["A'", "B'", "C'", "D'", "E'", "F'", "G'", "H'"]
    assert given[8].colour == given[0].colour == 0
    assert given[16:] == [Letter("A", 0), Letter("B", 1)]


def test_a_request_keeps_its_letter() -> None:
    letters = Letters()
    assert (letters["x"].text, letters["y"].text) == ("A", "B")
    assert letters["x"].text == "A"
