"""One request's part of a forward."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from playground.engine.request import Request


@dataclass(frozen=True)
class BatchRow:
    """One request's part of a forward: `count` tokens from position `start`, the last of them `drafts`. A held row runs
    but stores nothing. A row that `decodes` computes the last sampled token and the drafts."""

    request: Request
    start: int
    count: int
    held: bool = False
    drafts: tuple[int, ...] = ()
    decodes: bool = False

    @property
    def length(self) -> int:
        """Tokens that the newest query of this row sees."""
        return self.start + self.count

    @property
    def ids(self) -> list[int]:
        """Its tokens, drafts last."""
        if self.held:
            return self.request.output_ids[-1:]
        return [*self.request.token_ids(self.start, self.length), *self.drafts]

    @property
    def completes(self) -> bool:
        """Whether this row computes the last known token, so that a new token is sampled after it."""
        return self.length - len(self.drafts) == self.request.length


def uneven(rows: Sequence[BatchRow]) -> bool:
    """Whether rows end at different lengths, or begin in the middle with several queries: no kernel's own causal mask
    fits."""
    queries, lengths = max(row.count for row in rows), {row.length for row in rows}
    return len(lengths) > 1 or 1 < queries < max(lengths)
