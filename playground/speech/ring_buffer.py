"""A bounded buffer of audio between the device's thread and ours, which reports what did not fit."""

from __future__ import annotations

import threading
from collections import deque
from time import perf_counter

import numpy as np

from playground.speech.vad import Samples

LATE_S = 2.0  # after a longer gap the time origin is estimated again


class RingBuffer:
    """Holds at most `capacity` samples; the oldest are dropped for new ones. `write` is for the device's thread."""

    def __init__(self, capacity: int, rate: int) -> None:
        self._capacity, self._rate = capacity, rate
        self._lock = threading.Lock()
        self._blocks: deque[Samples] = deque()
        self._held = self._written = 0
        self._arrived = perf_counter()
        self._begun: deque[tuple[float, float]] = deque([(self._arrived, self._arrived)])
        self.overflows = self.lost = 0

    def write(self, block: Samples, overflowed: bool = False) -> None:
        """Add a block (stored, not copied); `overflowed`: the device lost audio before it."""
        with self._lock:
            self.overflows += overflowed
            self._blocks.append(block)
            self._held += len(block)
            self._written += len(block)
            self._arrived = perf_counter()
            self._note_beginning(overflowed)
            if self._held > self._capacity:
                self.overflows += 1
            while self._held > self._capacity:
                oldest = self._blocks.popleft()
                self._held -= len(oldest)
                self.lost += len(oldest)

    def _note_beginning(self, overflowed: bool) -> None:
        """Estimate when the first sample was heard from the newest block: no later than that implies."""
        if overflowed:
            self._begun.clear()
        self._begun.append((self._arrived, self._arrived - self._written / self._rate))
        while self._begun[0][0] < self._arrived - LATE_S:
            self._begun.popleft()

    def read(self) -> Samples:
        """All audio in the buffer."""
        with self._lock:
            blocks, self._held = list(self._blocks), 0
            self._blocks.clear()
        return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)

    @property
    def quiet_s(self) -> float:
        """Seconds since anything was written, even silence."""
        return perf_counter() - self._arrived

    def time_of(self, seconds: float) -> float:
        """When, on this process's clock, the audio `seconds` after the first that was read was heard. Blocks that come
        late, in a bunch, were heard no later than those that came in time."""
        with self._lock:
            return min(began for _, began in self._begun) + self.lost / self._rate + seconds
