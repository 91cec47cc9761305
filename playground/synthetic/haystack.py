"""A needle: a code told in the first line and asked for in the last, with filler between."""

from __future__ import annotations

import random
from collections.abc import Callable

from playground.synthetic.facts import draw_facts
from playground.synthetic.filler import draw_filler


def draw_haystack(random_source: random.Random, length: int, measure: Callable[[str], int]) -> tuple[str, str]:
    """A prompt of about `length` tokens as `measure` counts, and the code it asks for."""
    (fact,) = draw_facts(random_source, 1)
    question, code = fact.removesuffix(".").rsplit(" ", 1)
    parts, end = [fact], f"\n\nQuestions:\n{question}"
    used = measure(fact + end)
    while True:
        part = draw_filler(random_source).strip()
        used += measure(f"\n{part}")
        if used > length:
            return "\n".join(parts) + end, code
        parts.append(part)
