"""Error rates against counts made by hand, and texts as they are compared."""

from __future__ import annotations

import pytest

from playground.bench.speech.accuracy import NORMALIZERS, basic, count_errors, difference
from playground.bench.speech.questions import is_correct


def test_counts_of_one_of_each():
    errors = count_errors(["the cat sat on the mat", "good day"], ["the bat sat on mat", "good big day"])
    assert (errors.substitutions, errors.insertions, errors.deletions, errors.words) == (1, 1, 1, 8)
    assert errors.wer == pytest.approx(3 / 8) and errors.ser == 1.0


def test_characters():
    assert count_errors(["abcd"], ["abxd"]).cer == pytest.approx(1 / 4)


def test_words_out_of_silence_count_as_insertions():
    errors = count_errors(["one two", ""], ["one two", "thank you"])
    assert errors.insertions == 2 and errors.wer == pytest.approx(1.0) and errors.words == 2
    nothing = count_errors([""], ["bye"])
    assert nothing.wer is None and nothing.insertions == 1


def test_the_basic_normalizer_takes_out_what_is_not_heard():
    assert basic("  Ещё раз: «Съешь», 42%!  ") == "еще раз съешь 42"
    assert basic("Ｈello,\nWORLD") == "hello world"
    assert NORMALIZERS["none"](" As  It is. ") == "As It is."


def test_where_the_words_differ():
    assert difference("the cat sat on the mat", "the bat sat on mat") == [
        ("same", "the"),
        ("substituted", "cat▸bat"),
        ("same", "sat on"),
        ("deleted", "the"),
        ("same", "mat"),
    ]
    assert difference("good day", "good big day") == [("same", "good"), ("inserted", "big"), ("same", "day")]
    assert difference("", "hm") == [("inserted", "hm")] and difference("", "") == []


@pytest.mark.parametrize(
    ("text", "right"),
    [("Valid.", True), ("The answer is: valid", True), ("Answer: VALID", True), ("It is invalid", False), ("", False)],
)
def test_an_answer_is_the_expected_one_or_it_is_not(text, right):
    assert is_correct(text, "valid") is right
