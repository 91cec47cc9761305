"""Text whose end can only be known by looking far back: needles in filler, tables to look up, words to copy."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

from playground.models.make_tiny_coder.tasks.pools import WORDS

COLOURS = (
    "red", "blue", "green", "black", "white", "brown", "gold", "pink", "grey", "dark", "old", "new", "small", "tall",
)  # fmt: skip
THINGS = (
    "door", "lamp", "key", "box", "boat", "chair", "book", "clock", "coat", "cup", "car", "tree", "bell", "ring",
    "shoe", "gate", "desk", "flag", "drum", "fork", "hat", "kite", "leaf", "map",
)  # fmt: skip
WORD_SHARE = 0.75
LONG_TEXT = 400  # tokens
TYPICAL_CHARACTERS = 3  # characters of these texts per token, on the low side


def draw_recall(random_source: random.Random, tokens: int, most: int, filler: Callable[[], str]) -> str:
    """One recall text of at most about `tokens` tokens; `most` and `filler` are for `needles`."""
    kinds: list[Callable[[random.Random, int], str]] = [partial(needles, most=most, filler=filler), table, copy]
    return random_source.choice(kinds)(random_source, tokens)


def needles(random_source: random.Random, tokens: int, most: int, filler: Callable[[], str]) -> str:
    """Up to `most` codes told (three in a short text), with filler between, then asked for in another order."""
    count = random_source.randint(1, 3 if tokens < LONG_TEXT else most)
    facts = [_fact(key, random_source) for key in _keys(random_source, count)]
    room = random_source.uniform(0.2, 0.9) * tokens * TYPICAL_CHARACTERS - count * 80
    parts = list(facts)
    while sum(map(len, parts)) < room:
        parts.insert(random_source.randint(0, len(parts)), filler())
    asked = random_source.sample(facts, count)
    return "\n".join(parts) + "\n\nQuestions:\n" + "\n".join(asked) + "\n"


def haystack(
    random_source: random.Random, length: int, filler: Callable[[], str], measure: Callable[[str], int]
) -> tuple[str, str]:
    """A prompt of about `length` tokens as `measure` counts, its needle in the first line, and the code it asks for."""
    fact = _fact(_keys(random_source, 1)[0], random_source)
    question, code = fact.removesuffix(".").rsplit(" ", 1)
    parts, end = [fact], f"\n\nQuestions:\n{question}"
    used = measure(fact + end)
    while True:
        part = filler()
        used += measure(f"\n{part}")
        if used > length:
            return "\n".join(parts) + end, code
        parts.append(part)


def table(random_source: random.Random, tokens: int) -> str:
    """Many codes, then many of them again in another order."""
    count = min(tokens // 24, random_source.randint(3, len(THINGS)))
    facts = [_fact(key, random_source) for key in _keys(random_source, max(2, count))]
    asked = random_source.sample(facts, max(2, count * 3 // 4))
    return "\n".join(facts) + "\n\nQuestions:\n" + "\n".join(asked) + "\n"


def copy(random_source: random.Random, tokens: int) -> str:
    """Random words and numbers, then the same again."""
    count = random_source.randint(5, max(6, min(tokens // 12, 60)))
    line = " ".join(_code(random_source) for _ in range(count))
    return f"Copy this:\n{line}\n" + f"Copy:\n{line}\n" * random_source.randint(1, 3)


def _fact(key: str, random_source: random.Random) -> str:
    return f"The code of the {key} is {_code(random_source)}."


def _code(random_source: random.Random) -> str:
    """A word, or more rarely a number: words are learned sooner, since each is hardly more than a token."""
    return random_source.choice(WORDS) if random_source.random() < WORD_SHARE else str(random_source.randint(10, 999))


def _keys(random_source: random.Random, count: int) -> list[str]:
    """Keys of which each names another thing, so at most as many as there are things."""
    return [f"{random_source.choice(COLOURS)} {thing}" for thing in random_source.sample(THINGS, count)]
