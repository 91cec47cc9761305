"""The history of a command without a screen: kept on the side, closed at the end, its faults one line on stderr."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager

from playground import paths
from playground.config import load_settings
from playground.headless.report import say
from playground.session.history.history import History
from playground.session.history.run import Run

TOO_SLOW = "the history did not answer in time: these runs may not be kept"


class NoHistory:
    """Where runs are not to be kept."""

    def add(self, run: Run) -> None:
        """Discard the run."""


@contextmanager
def kept_history(args: Namespace) -> Iterator[History | NoHistory]:
    """`add` keeps a run, unless `--no-history` or the settings forbid it. No fault of it fails the command."""
    if args.no_history or not load_settings().history:
        yield NoHistory()
        return
    faults: list[str] = []
    history = History(paths.history_database(), faults.append)
    try:
        yield history
    finally:
        if not history.close():
            faults.append(TOO_SLOW)
        for fault in dict.fromkeys(faults):
            say(fault)
