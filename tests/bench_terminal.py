"""A program in a pseudo-terminal, for the benchmarks of the whole program."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import tempfile
from fcntl import ioctl
from pathlib import Path
from struct import pack
from termios import TIOCSWINSZ
from time import perf_counter

ROOT = Path(__file__).parent.parent


class Terminal:
    """A program in a pseudo-terminal of 120x40."""

    def __init__(self, *command: str, config: str | None = None) -> None:
        environment = os.environ | {"TERM": "xterm-256color", "PYTHONPATH": str(ROOT)}
        environment["XDG_DATA_HOME"] = config or tempfile.gettempdir()  # these are no runs of the user's
        if config:
            environment["XDG_CONFIG_HOME"] = config
        self.start = perf_counter()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], list(command), environment)
        ioctl(self._fd, TIOCSWINSZ, pack("HHHH", 40, 120, 0, 0))

    def wait_for(self, text: str, timeout: float = 90) -> float:
        """Seconds until the screen's bytes hold `text`; raises `TimeoutError`."""
        begun, seen = perf_counter(), b""
        while perf_counter() - begun < timeout:
            if select.select([self._fd], [], [], 0.05)[0]:
                seen = seen[-4096:] + os.read(self._fd, 65536)
                if text.encode() in seen:
                    return perf_counter() - begun
        raise TimeoutError(text)

    def drain(self, seconds: float) -> None:
        """Read what comes, so that the program never waits for us."""
        end = perf_counter() + seconds
        while (left := end - perf_counter()) > 0:
            if select.select([self._fd], [], [], left)[0]:
                os.read(self._fd, 65536)

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._fd, text.encode())

    def close(self) -> None:
        """Ctrl+Q, and wait."""
        self.type("\x11")
        with contextlib.suppress(OSError):  # the other end is gone
            self.drain(5)
        os.close(self._fd)
        os.waitpid(self.pid, 0)
