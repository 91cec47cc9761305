"""Plays a recording in place of a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from playground.session.recording import Entry, Message


class ReplayFeed:
    """`now` is the recording's time of the newest entry: folded by it, a replay gives the same numbers at any speed."""

    def __init__(self, entries: Iterable[Entry], speed: float) -> None:
        self._entries, self._speed = entries, speed
        self.now = 0.0

    async def play(self, take: Callable[[Message], None]) -> None:
        """Give each message to `take` when it is due; raises `RecordingError`."""
        from playground.session.replay import play

        await play(self._timed(), self._speed, take)

    def _timed(self) -> Iterator[Entry]:
        for entry in self._entries:
            self.now = entry.t
            yield entry
