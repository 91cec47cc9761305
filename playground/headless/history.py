"""The history of a command without a screen: written in the background, its faults one line each on stderr."""

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
    """A history that keeps nothing."""

    def add(self, run: Run) -> None:
        """Discard the run."""


@contextmanager
def kept_history(args: Namespace) -> Iterator[History | NoHistory]:
    """A history for runs, or one that keeps nothing after `--no-history` or by the settings. Its faults do not fail the
    command."""
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
