"""Reserve the pipes for the protocol: what a library prints goes to the log, not into the protocol or the terminal."""

from __future__ import annotations

import ctypes
import os
import select
import signal
from contextlib import suppress
from typing import BinaryIO

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def guard_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Take over fds 0 and 1 for commands and events; 0 becomes the null device and 1 a copy of 2, the log file."""
    commands = os.fdopen(os.dup(0), "rb")
    events = os.fdopen(os.dup(1), "wb", buffering=0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    return commands, events


def end_with_parent(on: bool) -> None:
    """Let Linux end this process with the UI's, or no longer. Needed while imports keep the thread that reads commands
    waiting; afterwards the end of input does it, and takes children along."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL if on else 0)
    with suppress(AttributeError):
        poll = select.poll()
        poll.register(0, 0)
        if on and any(event & select.POLLHUP for _, event in poll.poll(0)):
            end_process_group()


def end_process_group() -> None:
    """End this process and every child that it started; never returns."""
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(0)
