"""Overlaps of windows: both hold the same words, cut off or misheard at their edges. Finds them, to keep them once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from playground.speech.cleaning.windows import Word

MOST_WORDS = 80  # more than fit into an overlap
SAME, CUT_OFF, OTHER, MISSING = 2, 1, -1, -1
LEAST_SCORE = 2 * SAME
LONE_LETTERS = 4  # a single common word counts if it is this long and at both edges
CUT_LETTERS = 3


@dataclass(frozen=True)
class Seam:
    """Keep the left side up to `left` and the right side from `right` on; both have `words` in common."""

    left: int
    right: int
    words: int


def find_seam(left: Sequence[Word], right: Sequence[Word]) -> Seam | None:
    """The overlap of the end of `left` and the beginning of `right`; None without one.

    The best alignment of a suffix with a prefix (free at the outer ends alone), cut in the middle of the common words:
    words at the edges of windows are most often cut off.
    """
    offset = max(0, len(left) - MOST_WORDS)
    tail, head = [word.bare for word in left[offset:]], [word.bare for word in right[:MOST_WORDS]]
    score, pairs = _align(tail, head)
    same = [(a, b) for a, b in pairs if tail[a] == head[b]]
    if not same or (score < LEAST_SCORE and not _lone(same, tail)):
        return None
    a, b = same[len(same) // 2]
    return Seam(offset + a, b, len(same))


def _lone(same: list[tuple[int, int]], tail: list[str]) -> bool:
    return same == [(len(tail) - 1, 0)] and len(tail[-1]) >= LONE_LETTERS


def _align(tail: list[str], head: list[str]) -> tuple[int, list[tuple[int, int]]]:
    """Score and pairs of the best alignment that ends at the end of `tail` and begins at the beginning of `head`."""
    rows, columns = len(tail) + 1, len(head) + 1
    scores = [[0] * columns for _ in range(rows)]
    scores[0] = [column * MISSING for column in range(columns)]
    for a in range(1, rows):
        for b in range(1, columns):
            scores[a][b] = max(
                scores[a - 1][b - 1] + _likeness(tail[a - 1], head[b - 1]),
                scores[a - 1][b] + MISSING,
                scores[a][b - 1] + MISSING,
            )
    a, b = rows - 1, max(range(columns), key=lambda column: scores[-1][column])
    best, pairs = scores[a][b], []
    while a and b:
        if scores[a][b] == scores[a - 1][b - 1] + _likeness(tail[a - 1], head[b - 1]):
            a, b = a - 1, b - 1
            pairs.append((a, b))
        elif scores[a][b] == scores[a - 1][b] + MISSING:
            a -= 1
        else:
            b -= 1
    return best, pairs[::-1]


def _likeness(one: str, other: str) -> int:
    if one == other:
        return SAME
    short, long = sorted((one, other), key=len)
    return CUT_OFF if len(short) >= CUT_LETTERS and (long.startswith(short) or long.endswith(short)) else OTHER
