"""Two texts side by side: where they part, and which words the other lacks. Pure."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import NamedTuple

from playground.text.sequences import common_prefix

MARK = "▶"  # where two texts part
WORDS = re.compile(r"\w+|\s+|[^\w\s]")


class Piece(NamedTuple):
    """A stretch of text; `same`: the other text has it in the same place."""

    text: str
    same: bool


def split_at_difference(one: str, other: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """Each text as (what both begin with, the rest)."""
    at = common_prefix(one, other)
    return (one[:at], one[at:]), (other[:at], other[at:])


def diff(one: str, other: str) -> tuple[list[Piece], list[Piece]]:
    """Split both texts into pieces, by words, spaces and marks."""
    mine, theirs = WORDS.findall(one), WORDS.findall(other)
    left: list[Piece] = []
    right: list[Piece] = []
    for kind, a, b, c, d in SequenceMatcher(None, mine, theirs, autojunk=False).get_opcodes():
        for pieces, words in ((left, mine[a:b]), (right, theirs[c:d])):
            if words:
                pieces.append(Piece("".join(words), kind == "equal"))
    return left, right
