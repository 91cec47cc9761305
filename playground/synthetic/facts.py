"""Sentences that tell the code of a thing; nothing but having read them says which code it is."""

from __future__ import annotations

import random

from playground.synthetic.tasks.pools import WORDS

COLOURS = (
    "red", "blue", "green", "black", "white", "brown", "gold", "pink", "grey", "dark", "old", "new", "small", "tall",
)  # fmt: skip
THINGS = (
    "door", "lamp", "key", "box", "boat", "chair", "book", "clock", "coat", "cup", "car", "tree", "bell", "ring",
    "shoe", "gate", "desk", "flag", "drum", "fork", "hat", "kite", "leaf", "map",
)  # fmt: skip
WORD_SHARE = 0.75


def draw_facts(random_source: random.Random, count: int) -> list[str]:
    """Facts of which each names another thing, so at most as many as there are things."""
    things = random_source.sample(THINGS, count)
    keys = [f"{random_source.choice(COLOURS)} {thing}" for thing in things]
    return [f"The code of the {key} is {draw_code(random_source)}." for key in keys]


def draw_code(random_source: random.Random) -> str:
    """A word, or more rarely a number: words are learned sooner, since each is hardly more than a token."""
    return random_source.choice(WORDS) if random_source.random() < WORD_SHARE else str(random_source.randint(10, 999))
