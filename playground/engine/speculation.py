"""Drafts by prompt lookup: what followed the newest tokens when they last occurred in the request's own tokens."""

from __future__ import annotations

from collections.abc import Sequence

# Measured on tiny-coder: matching one token, 50 % of drafts were accepted; two, 75 %; three, 87 %, but fewer matched.
LONGEST, SHORTEST = 3, 2


class NgramIndex:
    """Maps each run of `SHORTEST` to `LONGEST` tokens to the position after its last occurrence. Each token is indexed
    once."""

    def __init__(self) -> None:
        self._next: dict[tuple[int, ...], int] = {}
        self._indexed = 0

    def propose(self, ids: Sequence[int], most: int) -> list[int]:
        """Up to `most` draft tokens to follow `ids`; empty if the latest tokens have not occurred before. A match that
        runs into the end continues into its own draft, so that repeating text is drafted in full.
        """
        self._index(ids)
        if most < 1 or (start := self._match(ids)) is None:
            return []
        period = len(ids) - start
        return [ids[start + at % period] for at in range(most)]

    def _index(self, ids: Sequence[int]) -> None:
        for position in range(self._indexed, len(ids)):
            for size in range(SHORTEST, min(LONGEST, position) + 1):
                self._next[tuple(ids[position - size : position])] = position
        self._indexed = len(ids)

    def _match(self, ids: Sequence[int]) -> int | None:
        """The position after the latest earlier occurrence of the newest tokens, the longest run that has one."""
        sizes = range(min(LONGEST, len(ids)), SHORTEST - 1, -1)
        found = (self._next.get(tuple(ids[len(ids) - size :])) for size in sizes)
        return next((position for position in found if position is not None), None)
