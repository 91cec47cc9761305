"""Draft tokens by their position in the draft: how many were verified, how many accepted."""

from __future__ import annotations

import msgspec

from playground.protocol.events import Step


class DraftCounts(msgspec.Struct):
    """`proposed[i]` and `accepted[i]`: drafts with a verified, and with an accepted, token at position i."""

    proposed: list[int] = msgspec.field(default_factory=list)
    accepted: list[int] = msgspec.field(default_factory=list)

    def add(self, step: Step) -> None:
        """Take the next step."""
        for slot in step.slots:
            if not slot.speculated:
                continue
            more = slot.speculated - len(self.proposed)
            self.proposed += [0] * more
            self.accepted += [0] * more
            for place in range(slot.speculated):
                self.proposed[place] += 1
                self.accepted[place] += place < slot.accepted

    @property
    def by_position(self) -> list[float]:
        """The share of accepted tokens, by position."""
        return [held / made for made, held in zip(self.proposed, self.accepted, strict=True)]

    @property
    def share(self) -> float | None:
        """Accepted draft tokens over verified ones; None without any."""
        return sum(self.accepted) / sum(self.proposed) if self.proposed else None

    @property
    def length(self) -> float | None:
        """Mean tokens of a row whose draft was verified, including the one that a plain step makes."""
        return 1 + sum(self.accepted) / self.proposed[0] if self.proposed else None
