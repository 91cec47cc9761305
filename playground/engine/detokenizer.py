"""Token ids to text as they arrive: whole characters only, and nothing past a stop string."""

from __future__ import annotations

from collections.abc import Callable, Sequence

Piece = Callable[[int], str]


class StopText:
    """Passes text on up to the first stop string; holds back what may be the start of one."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops, self._held = [stop for stop in stops if stop], ""
        self.stopped = False

    def feed(self, text: str) -> str:
        """The part of `text`, and of what was held back, that is certain to be output."""
        if not self._stops:
            return text
        self._held += text
        found = [(at + len(stop), at) for stop in self._stops if (at := self._held.find(stop)) >= 0]
        if found:
            # The one that is complete first, so that the text does not depend on how it is cut into pieces.
            self.stopped = True
            certain, self._held = self._held[: min(found)[1]], ""
            return certain
        keep = max(_overlap(self._held, stop) for stop in self._stops)
        certain, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        return certain

    def flush(self) -> str:
        """What was held back, once no more text follows."""
        held, self._held = self._held, ""
        return held


class Detokenizer:
    """Text of one request, piece by piece. `piece` turns the next id into the text that it completes."""

    def __init__(self, piece: Piece, stops: Sequence[str] = ()) -> None:
        self._piece, self._stop = piece, StopText(stops)
        self.characters_after_first = 0
        self._first = True

    @property
    def stopped(self) -> bool:
        """Whether a stop string was seen."""
        return self._stop.stopped

    def feed(self, token_id: int) -> str:
        """The text that became certain with this id."""
        piece = self._piece(token_id)
        if not self._first:
            self.characters_after_first += len(piece)
        self._first = False
        return self._stop.feed(piece)

    def flush(self) -> str:
        """The rest, at the end of the request."""
        return self._stop.flush()


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that begins `stop`."""
    return next((size for size in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:size])), 0)
