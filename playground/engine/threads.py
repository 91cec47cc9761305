"""How many CPU threads a model should use."""

from __future__ import annotations

import os

SMALL_MODEL_PARAMETERS = 50_000_000


def is_small(parameters: int) -> bool:
    """Whether a second thread would gain the model less than the UI beside it needs."""
    return parameters < SMALL_MODEL_PARAMETERS


def cores() -> int:
    """CPU cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
