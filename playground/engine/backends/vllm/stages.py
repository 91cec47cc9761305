"""vLLM's log lines as stages of a load; at each one the load can be cancelled."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from playground.engine.backends.base import Progress
from playground.protocol.events import LoadStage

# How vLLM's log line begins, and which stage it announces.
MARKS: tuple[tuple[str, LoadStage, str], ...] = (
    ("Resolved architecture", "config", "vLLM's configuration"),
    ("Initializing a V1 LLM engine", "device", "the engine and its workers"),
    ("Starting to load model", "weights", "reading the weights"),
    ("Loading weights took", "weights", "weights are there"),
    ("Model loading took", "weights", "weights are there"),
    ("torch.compile", "warm-up", "compiling"),
    ("Warming up model", "warm-up", "compiling and warming up"),
    ("Explicitly set", "warm-up", "reserving the KV pool"),
    ("init engine", "warm-up", "the engine is ready"),
)


class Stages(logging.Handler):
    """Reports each stage once, with the progress of a start that takes about `expected` seconds. `seconds`: how long
    each stage took."""

    def __init__(self, progress: Progress, expected: float | None) -> None:
        super().__init__(logging.INFO)
        self._progress, self._expected = progress, expected
        self._started = perf_counter()
        self.seconds: dict[str, float] = {}
        self._stage: LoadStage = "checking"
        self._reported = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Report the stage of a log line; a `Cancelled` raised by `progress` passes up through vLLM's call to its
        logger."""
        text = str(record.msg)
        for start, stage, detail in MARKS:
            if text.startswith(start):
                self.report(stage, detail)
                return

    def report(self, stage: LoadStage, detail: str) -> None:
        """Report a stage that begins; if such a start was timed before, with the elapsed share of that time."""
        past = perf_counter() - self._started
        if detail == self._reported:
            return
        self._reported = detail
        if stage != self._stage:
            self.seconds[self._stage] = past - sum(self.seconds.values())
            self._stage = stage
        if self._expected is None:
            self._progress(stage, detail=detail)
            return
        most = max(1, round(self._expected))
        self._progress(stage, min(round(past), most), most, f"{detail}; seconds, as here before")


@contextmanager
def staged(progress: Progress, expected: float | None) -> Iterator[Stages]:
    """Listen to vLLM's log while the engine starts."""
    from vllm.config.logging import LoggingConfig
    from vllm.logger import configure_logging_if_needed

    configure_logging_if_needed(LoggingConfig())  # else the start itself would, and drop our handler
    stages, logger = Stages(progress, expected), logging.getLogger("vllm")
    logger.addHandler(stages)
    try:
        yield stages
    finally:
        logger.removeHandler(stages)
