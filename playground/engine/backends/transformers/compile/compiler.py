"""The compiler that compile=on needs, and how it is watched while it runs."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import torch

from playground.engine.backends.base import Cancelled, EngineError, Progress, first_line

POLL_S = 0.25
C_COMPILERS = ("gcc", "clang")
COMPILERS = ("g++", "clang++", *C_COMPILERS)


def why_not_compiled(device: torch.device) -> str:
    """Why nothing can be compiled on this machine; empty if it can."""
    if device.type == "cpu" and not any(shutil.which(name) for name in COMPILERS):
        return "it needs a C++ compiler: install g++"
    if device.type == "cuda" and not ("CC" in os.environ or any(shutil.which(name) for name in C_COMPILERS)):
        return "Triton needs a C compiler: install gcc"
    return ""


@contextmanager
def watched(progress: Progress, done: int, total: int, detail: str) -> Iterator[None]:
    """Report progress and notice a cancel while the compiler runs: only a timer's signal interrupts it."""

    def poll(number: int = 0, frame: FrameType | None = None) -> None:
        progress("warm-up", done, total, detail)

    def on_timer(number: int, frame: FrameType | None) -> None:
        try:
            poll()
        except Cancelled as cancel:
            cancelled.append(cancel)
            raise

    cancelled: list[Cancelled] = []
    poll()
    timed = threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer")
    before = signal.signal(signal.SIGALRM, on_timer) if timed else None
    try:
        if timed:
            signal.setitimer(signal.ITIMER_REAL, POLL_S, POLL_S)
        yield
    except Exception as error:
        torch._dynamo.reset()
        if cancelled:
            raise cancelled[0] from None
        cause = getattr(error, "inner_exception", error)  # dynamo's own first line only names our backend
        raise EngineError(f"compile=on is not possible: {first_line(cause)}", "keep compile=off") from error
    finally:
        if timed:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
