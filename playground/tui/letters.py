"""The letters and colours of requests on the screen: A..H, then A'..H', then from the start again."""

from __future__ import annotations

from typing import NamedTuple

LETTERS = "ABCDEFGH"
PRIME = "'"


class Letter(NamedTuple):
    """The letter of a request on the screen, and which of the eight colours is its own."""

    text: str
    colour: int


_ALPHABET = [Letter(letter + prime, colour) for prime in ("", PRIME) for colour, letter in enumerate(LETTERS)]


class Letters:
    """Assigns letters in the order in which requests are first looked up; one instance serves all panels."""

    def __init__(self) -> None:
        self._given: dict[str, Letter] = {}

    def __getitem__(self, request_id: str) -> Letter:
        if request_id not in self._given:
            self._given[request_id] = _ALPHABET[len(self._given) % len(_ALPHABET)]
        return self._given[request_id]
