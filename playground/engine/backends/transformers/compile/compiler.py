"""The compiler that compile=on needs, and how it is watched while it runs."""

from __future__ import annotations

import re
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import CDLL
from pathlib import Path
from types import FrameType

import torch

from playground.engine.backends.base import Cancelled, EngineError, Progress, first_line

POLL_S = 0.25
NATIVE = Path(__file__).with_name("native")
COMPILERS = ("g++", "clang++", "gcc", "clang")


def why_not_compiled(device: torch.device) -> str:
    """The reason that nothing can be compiled on this machine; empty if it can."""
    if device.type == "cpu" and not any(shutil.which(name) for name in COMPILERS):
        return "it needs a C++ compiler: install g++"
    return ""


def native(name: str) -> CDLL:
    """Our C++ of this file, compiled for this machine unless it was before. Raises `RuntimeError` or `OSError` where
    that fails."""
    from torch._inductor.codecache import CppCodeCache  # seconds of import that only compile=on needs

    library: CDLL = CppCodeCache.load(_whole(name), extra_flags=("-ffp-contract=fast",))
    return library


def _whole(name: str) -> str:
    """The source with its headers in it: what was compiled is known again by its text."""
    text = (NATIVE / name).read_text().replace("#pragma once\n", "")
    return re.sub(r'#include "(.+)"', lambda header: _whole(header[1]), text)


@contextmanager
def watched(progress: Progress, done: int, total: int, detail: str) -> Iterator[None]:
    """Progress is told, and a cancel heard, while the compiler runs: only a timer's signal gets in between."""

    def poll(number: int = 0, frame: FrameType | None = None) -> None:
        progress("warm-up", done, total, detail)

    def heard(number: int, frame: FrameType | None) -> None:
        try:
            poll()
        except Cancelled as cancel:
            cancelled.append(cancel)
            raise

    cancelled: list[Cancelled] = []
    poll()
    timed = threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer")
    before = signal.signal(signal.SIGALRM, heard) if timed else None
    try:
        if timed:
            signal.setitimer(signal.ITIMER_REAL, POLL_S, POLL_S)
        yield
    except Exception as error:
        torch._dynamo.reset()
        if cancelled:
            raise cancelled[0] from None
        raise EngineError(f"compile=on is not possible: {first_line(error)}", "keep compile=off") from error
    finally:
        if timed:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
