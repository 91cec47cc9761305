"""Collects teacher-forced scores, prediction by prediction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from playground.bench.texts import Text
from playground.protocol.events import Scored


@dataclass
class Tally:
    """Values of the counted predictions, in the order of the text."""

    nll: list[float] = field(default_factory=list)
    kl: list[float] = field(default_factory=list)
    agreed: list[bool] = field(default_factory=list)
    rank: list[int] = field(default_factory=list)

    def add(self, scored: Scored, counted: int, base_top: Sequence[int] = ()) -> None:
        """Take the last `counted` predictions of a window; `base_top` are the base's likeliest ids in it."""
        self.nll += scored.nll[-counted:]
        if scored.kl:
            self.kl += scored.kl[-counted:]
            self.rank += scored.rank[-counted:]
            self.agreed += [mine == base for mine, base in zip(scored.top, base_top, strict=True)][-counted:]

    def extend(self, other: Tally) -> None:
        """Take those of another text as well."""
        self.nll += other.nll
        self.kl += other.kl
        self.agreed += other.agreed
        self.rank += other.rank


@dataclass
class Tallies:
    """The tallies of one text of `tokens` predictions: under the requested options, under the base, and under the base
    again."""

    text: Text
    tokens: int
    own: Tally = field(default_factory=Tally)
    base: Tally = field(default_factory=Tally)
    again: Tally = field(default_factory=Tally)

    @property
    def size(self) -> float:
        """Bytes of the text that the predictions so far cover, by their share of all."""
        return self.text.size * len(self.own.nll) / max(1, self.tokens)
