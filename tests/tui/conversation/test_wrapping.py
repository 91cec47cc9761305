"""Text that grows is wrapped as if it had come at once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from playground.tui.conversation.wrapping import MARK, WrappedText, wrap_line

TEXT = st.text(alphabet="ab  \n\t日é", max_size=80)


@given(TEXT, st.integers(2, 20), st.lists(st.integers(1, 7), max_size=80))
def test_pieces_wrap_as_the_whole(text: str, width: int, cuts: list[int]) -> None:
    growing, rest = WrappedText(width=width), text
    for cut in cuts:
        growing.append(rest[:cut])
        rest = rest[cut:]
    growing.append(rest)
    assert growing.lines == WrappedText(text, width).lines
    assert growing.text == text


@given(TEXT, st.integers(2, 20), st.integers(2, 20))
def test_another_width_wraps_as_if_it_had_always_been(text: str, first: int, second: int) -> None:
    wrapped = WrappedText(text, first)
    wrapped.rewrap(second)
    assert wrapped.lines == WrappedText(text, second).lines


@given(TEXT, st.integers(2, 20))
def test_every_line_fits_and_no_letter_is_lost(text: str, width: int) -> None:
    lines = WrappedText(text, width).lines
    assert all(cell_len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == "".join(text.split())


def test_words_stay_whole_and_code_keeps_its_indent() -> None:
    assert wrap_line("    return the sum", 14) == ["    return the", "sum"]
    assert wrap_line("abcdefgh", 3) == ["abc", "def", "gh"]


def test_append_says_from_where_to_draw() -> None:
    text = WrappedText("one\ntwo", 10)
    assert text.append(" and\nthree") == 1
    assert text.lines == ["one", "two and", "three"]


@given(TEXT, st.integers(2, 20), st.integers(2, 20), st.lists(st.integers(1, 9), max_size=80))
def test_marks_stay_under_their_letters(text: str, width: int, other: int, cuts: list[int]) -> None:
    grown, marked, at = WrappedText(width=width), "", 0
    for cut in [*cuts, len(text)]:
        piece = text[at : at + cut]
        grown.append(piece, [(0, len(piece) // 2)] if len(piece) > 1 else [])
        marked += piece[: len(piece) // 2]
        at += cut
    for _ in range(2):
        assert "".join(under(line, marks) for line, marks in zip(grown.lines, grown.marks, strict=True)) == "".join(
            marked.split()
        )
        grown.rewrap(other)


def under(line: str, marks: str) -> str:
    """The marked letters of a line."""
    return "".join(letter for letter, mark in zip(line, marks, strict=False) if mark == MARK and letter != " ")
