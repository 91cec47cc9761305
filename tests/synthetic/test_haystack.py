"""Needles in filler: what is asked at the end was told at the beginning, and a seed tells all."""

from __future__ import annotations

from random import Random

import pytest

from playground.synthetic.haystack import draw_haystack


@pytest.mark.parametrize("length", [1500, 6000])
def test_the_code_asked_for_at_the_end_is_told_in_the_first_line(length: int):
    prompt, code = draw_haystack(Random(length), length, len)
    first, *_, question = prompt.splitlines()
    assert first == f"{question} {code}."
    assert length / 2 < len(prompt) <= length


def test_a_seed_draws_the_same_needle_again():
    assert draw_haystack(Random(1), 500, len) == draw_haystack(Random(1), 500, len)
