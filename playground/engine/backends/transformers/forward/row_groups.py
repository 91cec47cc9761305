"""Which rows share a forward, and which forwards share their matrix products: pure decisions over rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from playground.engine.backends.transformers.kv.row import BatchRow

PADDING_SHARE = 0.5


class Group(NamedTuple):
    """Rows of one forward; `phase`: prefill or decode."""

    phase: str
    rows: Sequence[BatchRow]

    @property
    def queries(self) -> int:
        """Tokens of the longest row."""
        return max(row.count for row in self.rows)

    @property
    def keep(self) -> int:
        """Newest tokens of each row whose logits are needed."""
        return 1 + max(len(row.drafts) for row in self.rows)


def grouped(rows: Sequence[BatchRow]) -> list[list[BatchRow]]:
    """Group prefills that share a forward: as many as leave no more than `PADDING_SHARE` of it to padding."""
    groups: list[list[BatchRow]] = []
    for row in sorted(rows, key=lambda row: row.count):
        if groups and sum(row.count - other.count for other in groups[-1]) <= PADDING_SHARE * row.count * len(
            groups[-1]
        ):
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


def split(row: BatchRow, size: int) -> list[BatchRow]:
    """Split the row into parts none of which crosses the end of a block of `size` tokens."""
    edges = [row.start, *range(row.start - row.start % size + size, row.length, size), row.length]
    return [BatchRow(row.request, start, stop - start) for start, stop in pairwise(edges)]


def together(groups: Sequence[Group], joins: Callable[[Group], bool]) -> Iterator[list[Group]]:
    """Independent groups, those that join as one. Only one of the joined may have one token per row: the KV cache keeps
    the view of such a batch."""
    if len(groups) == 1:
        yield list(groups)
        return
    shared: list[Group] = []
    for group in groups:
        if joins(group) and (group.queries > 1 or all(other.queries > 1 for other in shared)):
            shared.append(group)
        else:
            yield [group]
    if shared:
        yield shared
