"""Interrupts of a command that has no screen: Ctrl+C, and SIGTERM from whatever supervises it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress

NAMES = {signal.SIGINT: "Ctrl+C", signal.SIGTERM: "SIGTERM"}


def on_interrupt(act: Callable[[str], None]) -> None:
    """Let the running loop call `act` with the name of each interrupt."""
    loop = asyncio.get_running_loop()
    with suppress(NotImplementedError):
        for number, name in NAMES.items():
            loop.add_signal_handler(number, act, name)
