"""What comes from outside is printed and never obeyed."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.text.plain import one_line, printable, text_size


@given(st.text())
def test_no_control_character_is_left(text: str) -> None:
    left = {letter for letter in printable(text) if unicodedata.category(letter) == "Cc"}
    assert left <= {"\n", "\t"}


@given(st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp"])))
def test_what_is_harmless_stays(text: str) -> None:
    assert printable(text) == text


@given(st.text(), st.text())
def test_it_does_not_matter_where_a_stream_is_cut(first: str, second: str) -> None:
    assert printable(first) + printable(second) == printable(first + second)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "[31mred[0m"),
        ("a\r\nb\x07\x00\x9b2J", "a\nb2J"),
        ("\u202egnp.exe", "gnp.exe"),
        ("naïve 日本 🙂", "naïve 日本 🙂"),
    ],
)
def test_escapes_lose_their_power(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_one_line_is_one_line() -> None:
    assert one_line("a\n b\tc\x1b") == "a b c"
    assert one_line("abcdef", 4) == "abc…"
    assert one_line("x" * 1_000_000, 10) == "x" * 9 + "…"


@pytest.mark.parametrize(("text", "size"), [("", "0 B"), ("ab", "2 B"), ("x" * 1500, "2 kB"), ("x" * 10**6, "1.0 MB")])
def test_size_is_what_a_paste_is_called(text: str, size: str) -> None:
    assert text_size(text) == size
