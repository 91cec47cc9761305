"""Cleaning a transcript written in overlapping windows, in English and in Russian."""

from __future__ import annotations

import random

import pytest

from playground.speech.cleaning.clean import clean
from playground.speech.cleaning.windows import read_windows


def words_of(text: str) -> list[str]:
    return text.split()


RUSSIAN = words_of(
    "сегодня мы поговорим о том как устроен кэш ключей и значений в больших языковых моделях сначала посмотрим на "
    "память потом на скорость и наконец на качество ответов каждый новый токен читает всё что было сказано раньше "
    "поэтому память растёт вместе с длиной разговора если сжать ключи до восьми бит места нужно вдвое меньше а "
    "ответ почти не меняется при двух битах разница уже слышна и модель начинает путать имена функций"
)
ENGLISH = words_of(
    "today we look at how an engine serves many requests at once first come the prompts then the tokens one by "
    "one and each of them reads everything that was said before so the memory grows with every word when a "
    "request has ended its slot is given to the next one that waits and nothing stands idle that is all there is "
    "to continuous batching"
)


def windows(words: list[str], size: int = 24, step: int = 20) -> str:
    """Windows of 30 s every 25 s, as a transcriber writes them: `size` words, `step` further each time."""
    starts = range(0, len(words) - (size - step), step)
    lines = [f"[Chunk start {index * 25:.2f}s]: {' '.join(words[at : at + size])}" for index, at in enumerate(starts)]
    return "\n".join(lines)


def cleaned(text: str, **how):
    return clean(read_windows(text), **how)


@pytest.mark.parametrize("words", [RUSSIAN, ENGLISH], ids=["Russian", "English"])
@pytest.mark.parametrize("overlap", [2, 5, 9])
def test_words_of_a_seam_appear_once(words, overlap):
    result = cleaned(windows(words, size=20 + overlap))
    assert result.text.split() == words and result.marked == []
    assert all(join.words >= min(2, overlap) for join in result.joins) and len(result.joins) == result.windows - 1


def test_a_misheard_word_and_words_cut_off_at_the_edges_do_not_stop_a_seam():
    text = (
        "[Chunk start 0.00s]: Поэтому память растёт вместе с длиной разговора. Если сжать ключи до вось\n"
        "[Chunk start 25.00s]: длинной разговора, если сжать ключи до восьми бит, места нужно вдвое меньше.\n"
    )
    assert cleaned(text).text == (
        "Поэтому память растёт вместе с длиной разговора. Если сжать ключи до восьми бит, места нужно вдвое меньше."
    )


def test_windows_with_nothing_in_common_keep_every_word():
    result = cleaned("[Chunk start 0.00s]: раз два три\n[Chunk start 25.00s]: совсем другие слова\n")
    assert result.text == "раз два три совсем другие слова" and result.joins[0].words == 0


def test_a_gap_begins_a_new_paragraph():
    assert (
        cleaned("[Chunk start 0s]: one two three\n[Chunk start 90s]: two three four").text
        == "one two three\ntwo three four"
    )


def test_a_loop_goes_and_the_words_around_it_stay():
    loop = "спасибо за внимание " * 9
    text = windows(RUSSIAN[:60]) + f"\n[Chunk start 75.00s]: и наконец {loop}"
    result = cleaned(text)
    assert [mark.reason for mark in result.marked] == ["looping"] and result.marked[0].lost == 27
    assert "'спасибо за внимание' 9 times in a row" in result.marked[0].detail
    assert "спасибо" not in result.text and result.text.endswith("и наконец")


def test_a_window_that_repeats_another_far_away_is_marked_and_named():
    lines = windows(ENGLISH).splitlines()
    again = lines[0].replace("0.00s", "500.00s").replace("engine", "engines")
    result = cleaned("\n".join([*lines, again]))
    assert result.text.split() == ENGLISH
    (mark,) = result.marked
    assert (mark.start, mark.reason) == (500.0, "repeated") and "the window at 0.00s" in mark.detail


def test_empty_windows_and_credits_are_marked():
    text = (
        "[Chunk start 0.00s]: Here is what matters today.\n[Chunk start 25.00s]:\n[Chunk start 50.00s]: ... \n"
        "[Chunk start 75.00s]: Субтитры сделал DimaTorzok\n"
    )
    result = cleaned(text)
    assert [mark.reason for mark in result.marked] == ["empty", "empty", "known phrase"]
    assert result.text == "Here is what matters today."


def test_no_word_is_lost_or_doubled_whatever_the_windows():
    shuffle = random.Random(3)
    vocabulary = sorted({*RUSSIAN, *ENGLISH})
    for _ in range(60):
        words = [shuffle.choice(vocabulary) for _ in range(shuffle.randrange(30, 200))]
        overlap = shuffle.randrange(3, 12)
        assert cleaned(windows(words, size=20 + overlap)).text.split() == words


def test_lines_without_a_start_go_on_and_starts_may_come_in_any_order():
    found = read_windows("\ufeff[chunk start 25,5s] later\nwords\n[Chunk start 0s]: first\n")
    assert [(window.start, window.text) for window in found] == [(0.0, "first"), (25.5, "later words")]


@pytest.mark.parametrize("text", ["", " \n\n"])
def test_a_file_without_words_is_refused(text):
    with pytest.raises(ValueError, match="no words"):
        read_windows(text)
