"""Text whose end can only be known by looking far back: needles in filler, tables to look up, words to copy."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

from playground.synthetic.facts import THINGS, draw_code, draw_facts
from playground.synthetic.filler import draw_filler

LONG_TEXT = 400  # tokens
TYPICAL_CHARACTERS = 3  # characters of these texts per token, on the low side


def draw_recall(random_source: random.Random, tokens: int, most: int) -> str:
    """One recall text of at most about `tokens` tokens, with at most `most` needles."""
    kinds: list[Callable[[random.Random, int], str]] = [partial(needles, most=most), table, copy]
    return random_source.choice(kinds)(random_source, tokens)


def needles(random_source: random.Random, tokens: int, most: int) -> str:
    """Up to `most` codes told (three in a short text), with filler between, then asked for in another order."""
    count = random_source.randint(1, 3 if tokens < LONG_TEXT else most)
    facts = draw_facts(random_source, count)
    room = random_source.uniform(0.2, 0.9) * tokens * TYPICAL_CHARACTERS - count * 80
    parts = list(facts)
    while sum(map(len, parts)) < room:
        parts.insert(random_source.randint(0, len(parts)), draw_filler(random_source))
    asked = random_source.sample(facts, count)
    return "\n".join(parts) + "\n\nQuestions:\n" + "\n".join(asked) + "\n"


def table(random_source: random.Random, tokens: int) -> str:
    """Many codes, then many of them again in another order."""
    count = min(tokens // 24, random_source.randint(3, len(THINGS)))
    facts = draw_facts(random_source, max(2, count))
    asked = random_source.sample(facts, max(2, count * 3 // 4))
    return "\n".join(facts) + "\n\nQuestions:\n" + "\n".join(asked) + "\n"


def copy(random_source: random.Random, tokens: int) -> str:
    """Random words and numbers, then the same again."""
    count = random_source.randint(5, max(6, min(tokens // 12, 60)))
    line = " ".join(draw_code(random_source) for _ in range(count))
    return f"Copy this:\n{line}\n" + f"Copy:\n{line}\n" * random_source.randint(1, 3)
