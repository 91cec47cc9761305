"""Seconds that starts of vLLM took on this machine, kept on disk to show the price of a switch in advance."""

from __future__ import annotations

import json
from contextlib import suppress
from statistics import median

from playground import paths

KEPT = 7


class StartTimes:
    """Start times of one checkpoint, by the kind of start."""

    def __init__(self, checkpoint: str) -> None:
        self._file, self._checkpoint = paths.vllm_starts(), checkpoint

    def expected(self, kind: str) -> float | None:
        """The median of the kept starts in seconds; None before the first."""
        seconds = self._read().get(self._key(kind))
        return median(seconds) if seconds else None

    def add(self, kind: str, seconds: float) -> None:
        """Keep a start; on a full disk only the price is lost, not the start."""
        times = self._read()
        times[self._key(kind)] = [*times.get(self._key(kind), []), round(seconds, 2)][-KEPT:]
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_text(json.dumps(times))

    def _key(self, kind: str) -> str:
        return f"{self._checkpoint} {kind}"

    def _read(self) -> dict[str, list[float]]:
        try:
            times = json.loads(self._file.read_text())
        except (OSError, ValueError):
            return {}
        return times if isinstance(times, dict) else {}
