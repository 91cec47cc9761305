"""Tasks written by rules: a seed tells all, and every answer passes its own tests."""

from __future__ import annotations

from random import Random

from playground.synthetic.tasks import THEMES
from playground.synthetic.tasks.draw import Draw
from playground.synthetic.tasks.task import run_tests


def test_every_family_is_deterministic_and_its_answers_pass():
    for _, families in THEMES.values():
        for family in families:
            first, again = (family(Draw(Random(11))) for _ in range(2))
            assert first == again
            run_tests(first.source, first.test, first.entry_point)
