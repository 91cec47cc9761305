"""Reserve the pipes for the protocol: what a library prints goes to the log, not into the protocol or the terminal."""

from __future__ import annotations

import os
import signal
from typing import BinaryIO


def guard_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Take over fds 0 and 1 for commands and events; 0 becomes the null device and 1 a copy of 2, the log file."""
    commands = os.fdopen(os.dup(0), "rb")
    events = os.fdopen(os.dup(1), "wb", buffering=0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    return commands, events


def end_process_group() -> None:
    """End this process and, without a supervisor, every child that it started; never returns."""
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(0)
