"""LocalAgreement-2: an utterance is transcribed again as it grows; a word is confirmed once two consecutive transcripts
agree on it (Liu et al. 2020; Machacek et al. 2023)."""

from __future__ import annotations

from difflib import SequenceMatcher
from itertools import takewhile

from playground.speech.known_phrases import normalized


class Agreement:
    """The text of one open utterance. Confirmed words only grow, until a full decode gives the final text."""

    def __init__(self) -> None:
        self._confirmed: list[str] = []
        self._last: list[str] = []
        self._rest: list[str] = []

    @property
    def confirmed(self) -> str:
        """Words that stay."""
        return " ".join(self._confirmed)

    @property
    def partial(self) -> str:
        """The words after them in the last transcript."""
        return " ".join(self._rest)

    def add(self, text: str, confirms: bool = True) -> None:
        """Take the text of the next transcript. One that heard hardly more than the last does not `confirms`: agreement
        then says little."""
        words = text.split()
        if confirms:
            agreed = _common(self._last, words)
            if agreed > len(self._confirmed) and _common(self._confirmed, words) == len(self._confirmed):
                self._confirmed = words[:agreed]
            self._last = words
        self._rest = self._after(words)

    def _after(self, words: list[str]) -> list[str]:
        """The words after the confirmed ones, wherever those are in a transcript that reads them differently."""
        count = len(self._confirmed)
        if _common(self._confirmed, words) == count:
            return words[count:]
        matcher = SequenceMatcher(None, _keys(self._confirmed), _keys(words), autojunk=False)
        block = [block for block in matcher.get_matching_blocks() if block.size][-1:]
        end = block[0].b + block[0].size + count - block[0].a - block[0].size if block else count
        return words[end:]


def _keys(words: list[str]) -> list[str]:
    return [normalized(word) for word in words]


def _common(left: list[str], right: list[str]) -> int:
    """How many words at the beginning are the same, ignoring case and punctuation."""
    pairs = zip(_keys(left), _keys(right), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
