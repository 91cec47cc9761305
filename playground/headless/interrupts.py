"""What interrupts a command that has no screen: Ctrl+C, and SIGTERM, by which others end it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress

NAMES = {signal.SIGINT: "Ctrl+C", signal.SIGTERM: "SIGTERM"}


def on_interrupt(act: Callable[[str], None]) -> None:
    """From now on this loop calls `act` with the name of what interrupts it."""
    loop = asyncio.get_running_loop()
    with suppress(NotImplementedError):
        for number, name in NAMES.items():
            loop.add_signal_handler(number, act, name)
