"""Plays a recording in place of a worker, and does what the keys of a replay ask for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from math import inf, isinf
from time import monotonic

from playground.protocol.events import Failed, StepsExecuted
from playground.session.recording import Entry, Message, RecordingError
from playground.session.replay import length
from playground.tui.state.state import State
from playground.tui.update_pump import UpdatePump

JUMP_S = 5.0
SPEEDS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
SLICE_S = 0.03


class ReplayFeed:
    """Folds entries into the state when they are due, each at its recorded time, so that a replay gives the same
    numbers at any speed. `position` and `length` are seconds of the recording; `speed` may be infinite. `seeking`: it
    is still behind its position. The entries are iterated again when it goes back."""

    def __init__(self, entries: Iterable[Entry], speed: float, state: State, updates: UpdatePump) -> None:
        self._entries, self._state, self._updates = entries, state, updates
        self.length, self.speed = length(entries), speed or inf
        self.paused = self.ended = False
        self._folded = 0.0  # the time of the newest entry
        self._from, self._since = 0.0, monotonic()  # the position at a time of our clock
        self._stepping = self.seeking = False
        self._rested = 0.0
        self._turn = asyncio.Event()  # a key changed what is waited for
        self._task: asyncio.Task[None] | None = None

    @property
    def position(self) -> float:
        """How far it is."""
        if self.paused or self.ended or self.seeking:
            return self._from
        if isinf(self.speed):
            return self._folded
        return min(self.length, self._from + (monotonic() - self._since) * self.speed)

    def start(self) -> None:
        """Play from the start."""
        self._since = monotonic()
        self._task = asyncio.create_task(self._play())

    def stop(self) -> None:
        """Play no more."""
        if self._task:
            self._task.cancel()

    def pause(self) -> None:
        """Hold, or go on; play again what has ended."""
        if self.ended:
            self.paused = False
            self._seek(0.0)
        else:
            self._move(self.position)
            self.paused = not self.paused

    def back(self) -> None:
        """Some seconds back."""
        self._seek(self.position - JUMP_S)

    def forward(self) -> None:
        """The next step of the engine while paused; else some seconds on."""
        if not self.paused:
            self._seek(self.position + JUMP_S)
        elif not self.ended:
            self._stepping = True
            self._turn.set()

    def change_speed(self, by: int) -> None:
        """The next higher or lower of `SPEEDS`."""
        self._move(self.position)
        others = [speed for speed in SPEEDS[::by] if (speed - self.speed) * by > 0]
        self.speed = others[0] if others else self.speed

    def _seek(self, to: float) -> None:
        """Go to a time of the recording; back means that all before it is folded anew."""
        to = min(self.length, max(0.0, to))
        if to < self._folded:
            self._begin_anew()
        self.seeking = True
        self._move(to)

    def _move(self, to: float) -> None:
        """Go on from here; what was played as fast as possible goes on as it was recorded."""
        self._from, self._since = to, monotonic()
        self.speed = 1.0 if isinf(self.speed) else self.speed
        self._turn.set()

    def _begin_anew(self) -> None:
        self.stop()
        self._updates.cancel()  # the screens keep what they show until everything is folded again
        self._folded, self._stepping, self.ended = 0.0, False, False
        self._task = asyncio.create_task(self._play_again())

    async def _play_again(self) -> None:
        self._state.begin_anew()
        await self._play()

    async def _play(self) -> None:
        try:
            for entry in self._entries:
                await self._due(entry.t)
                for message in _single_steps(entry.message) if self._stepping else [entry.message]:
                    await self._due(entry.t)
                    self._take(entry.t, message)
                self._from = max(self._from, entry.t) if self.paused else self._from
        except RecordingError as error:
            self._state.add_event(Failed(where="replay", message=str(error)), self._folded)
        self._from, self.ended = self.length, True
        self._state.touch()
        self._arrive()

    async def _due(self, t: float) -> None:
        """Wait until `t` is due; keys and the screen have their turn meanwhile, also while there is much to fold."""
        while not self._stepping and (ahead := self._ahead(t)) > 0:
            self._arrive()
            self._turn.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(None if isinf(ahead) else ahead / self.speed):
                    await self._turn.wait()
        if not self.seeking or monotonic() > self._rested + SLICE_S:
            await asyncio.sleep(0)
            self._rested = monotonic()

    def _ahead(self, t: float) -> float:
        """Seconds of the recording until `t`; infinite while it is held."""
        if self.paused and not self.seeking:
            return inf
        return 0.0 if isinf(self.speed) else t - self.position

    def _take(self, t: float, message: Message) -> None:
        self._folded = t
        self._state.add(message, t)
        if isinstance(message, StepsExecuted) and message.steps:
            self._stepping = False
        if not self.seeking:
            self._updates.schedule()

    def _arrive(self) -> None:
        """Everything up to the position is folded: let the screens draw it."""
        if self.seeking:
            self.seeking, self._since = False, monotonic()
        self._updates.schedule()


def _single_steps(message: Message) -> list[Message]:
    """A bundle of steps one by one; anything else as it is."""
    if not isinstance(message, StepsExecuted):
        return [message]
    return [StepsExecuted(steps=[step]) for step in message.steps]
