"""Arrival times of requests: as in a measured load, or as their file says."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Sequence
from random import Random

from playground.bench.load import arrivals as load
from playground.bench.load.arrivals import Arrivals
from playground.headless.errors import UsageError
from playground.headless.prompts import PromptLine


def parse_arrivals(text: str) -> Arrivals:
    """Read the value of `--arrivals`."""
    if text == "recorded":
        return Arrivals("recorded")
    try:
        return load.parse_arrivals(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{error}, or recorded") from None


def delays(arrivals: Arrivals, lines: Sequence[PromptLine], seed: int) -> list[float]:
    """Seconds from submission to the arrival of each request."""
    if arrivals.kind == "recorded":
        return [_recorded(number, line) for number, line in enumerate(lines, 1)]
    return load.delays(arrivals, len(lines), Random(seed))


def _recorded(number: int, line: PromptLine) -> float:
    if line.arrival_s is None:
        raise UsageError(f"--arrivals recorded needs an arrival_s in every line, and prompt {number} has none")
    return line.arrival_s
