"""The logs of workers that stay: of a run in which something was printed, or that failed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from playground import paths

KEPT = 20
NAME = re.compile(r".+-(\d+)(\.b)?\.log")  # see `paths.log_file`; the second engine of a comparison has .b


def drop_old_logs() -> None:
    """Delete the oldest logs of processes that have ended, all but the newest `KEPT`."""
    ended = [(modified, path) for path, modified in _logs() if not _lives(path)]
    for _, path in sorted(ended, reverse=True)[KEPT:]:
        with suppress(OSError):
            path.unlink()


def count_logs() -> int:
    """How many logs there are."""
    return sum(1 for _ in _logs())


def _logs() -> Iterator[tuple[Path, float]]:
    """Every log and when it was last written to."""
    with suppress(OSError):
        for path in paths.log_folder().iterdir():
            if NAME.fullmatch(path.name):
                with suppress(OSError):  # another process has just deleted it
                    yield path, path.stat().st_mtime


def _lives(path: Path) -> bool:
    """Whether the process that the log is named after lives; it may still show it."""
    named = NAME.fullmatch(path.name)
    try:
        os.kill(int(named[1]) if named else 0, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # another user's
        return True
    return True
