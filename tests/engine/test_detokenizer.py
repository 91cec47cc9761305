"""Stop strings and the text held back for them, however the text is cut."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.engine.detokenizer import Detokenizer, StopText

letters = st.text("ab", max_size=12)


def cut(text: str, stops: list[str]) -> str:
    """The text up to the stop string that is complete first, letter by letter."""
    for end in range(1, len(text) + 1):
        found = [stop for stop in stops if stop and text[:end].endswith(stop)]
        if found:
            return text[: end - max(map(len, found))]
    return text


def fed(pieces: list[str], stops: list[str]) -> tuple[str, StopText]:
    stop_text, text = StopText(stops), ""
    for piece in pieces:
        text += stop_text.feed(piece)
        if stop_text.stopped:
            break
    return text + stop_text.flush(), stop_text


@pytest.mark.parametrize("stops", [["END"], ["END", "ND."], ["\n\n", "DE"], ["xE", "EN", "x"], ["nowhere"]])
def test_every_way_to_cut_a_text_into_pieces_gives_the_same(stops):
    text = "axEENDEN."
    for count in range(len(text)):
        for edges in combinations(range(1, len(text)), count):
            pieces = [text[a:b] for a, b in zip((0, *edges), (*edges, len(text)), strict=True)]
            assert fed(pieces, stops)[0] == cut(text, stops)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.lists(letters, max_size=8), st.lists(letters, max_size=3))
def test_pieces_never_matter(pieces, stops):
    text, stop_text = fed(pieces, stops)
    whole = "".join(pieces)
    assert text == cut(whole, stops)
    assert stop_text.stopped == any(stop and stop in whole for stop in stops)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(letters, st.lists(letters, max_size=3))
def test_no_more_is_held_back_than_could_become_a_stop_string(text, stops):
    stop_text, shown = StopText(stops), ""
    for letter in text:
        shown += stop_text.feed(letter)
        if stop_text.stopped:
            return
        held = text[len(shown) :][: len(stop_text._held)]
        assert stop_text._held == held
        assert not held or any(stop.startswith(held) for stop in stops)


def test_what_is_held_back_comes_with_the_flush_and_only_once():
    stop_text = StopText(["STOP"])
    assert stop_text.feed("go ST") == "go " and stop_text.flush() == "ST" and stop_text.flush() == ""


def test_after_a_stop_string_nothing_is_left_to_flush():
    stop_text = StopText(["ab"])
    assert stop_text.feed("xaby") == "x" and stop_text.stopped and stop_text.flush() == ""


def test_characters_are_counted_as_shown_and_those_of_the_first_token_apart():
    detokenizer = Detokenizer(["He", "llo", "!", "?"].__getitem__)
    assert "".join(map(detokenizer.feed, range(3))) == "Hello!"
    assert detokenizer.characters_after_first == 4


def test_a_token_that_completes_no_character_yields_no_text():
    detokenizer = Detokenizer(["", "é"].__getitem__)
    assert [detokenizer.feed(0), detokenizer.feed(1)] == ["", "é"]


def test_a_stop_string_is_no_text_and_is_told():
    detokenizer = Detokenizer(["a", "\n\nb"].__getitem__, ["\n\n"])
    assert detokenizer.feed(0) + detokenizer.feed(1) == "a" and detokenizer.stopped
