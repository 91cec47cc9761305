"""One level of a sweep: how much load the engine gets."""

from __future__ import annotations

from typing import NamedTuple

from playground.bench.load.arrivals import Arrivals, parse_arrivals

FORM = "poisson:RATE,..., burst:SIZE,..., closed:USERS,... or all"


class Level(NamedTuple):
    """Either open-loop `arrivals`, or a closed loop of `users`, each of whom asks again once answered."""

    arrivals: Arrivals = Arrivals()
    users: int = 0

    def __str__(self) -> str:
        return f"closed:{self.users}" if self.users else str(self.arrivals)


def parse_levels(text: str) -> list[Level]:
    """Parse text in the form of `FORM`, with rising amounts; raises `ValueError`."""
    kind, _, amounts = text.partition(":")
    levels = [_parse(f"{kind}:{amount.strip()}" if amounts else kind) for amount in amounts.split(",")]
    return sorted(levels, key=lambda level: (level.users, level.arrivals.amount))


def _parse(text: str) -> Level:
    kind, _, users = text.partition(":")
    if kind != "closed":
        try:
            return Level(parse_arrivals(text))
        except ValueError:
            raise ValueError(f"a load cannot be {text!r}; it takes {FORM}") from None
    if not users.isdecimal() or not 1 <= int(users) <= 1024:
        raise ValueError(f"a load cannot be {text!r}; users are a number from 1 to 1024")
    return Level(users=int(users))
