"""A real terminal to run the program in: tmux, in a server of its own, with its screen read back as text."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil

FLAGS = "#{alternate_on} #{mouse_any_flag} #{keypad_flag} #{keypad_cursor_flag} #{cursor_flag} #{insert_flag}"


class Terminal:
    """A shell in a window of `columns` x `rows`; ends with all that was started in it."""

    def __init__(self, socket: Path, environment: dict[str, str], columns: int = 120, rows: int = 40) -> None:
        self._socket = socket
        variables = [word for name, value in environment.items() for word in ("-e", f"{name}={value}")]
        size = ("-x", str(columns), "-y", str(rows))
        self._tmux("-f", "/dev/null", "-u", "new-session", "-d", *size, *variables, "sh")
        self.resize(columns, rows)
        self.wait(lambda text: text.strip() != "", 10)

    def type(self, text: str) -> None:
        """Letter by letter, as a keyboard sends it."""
        self._tmux("send-keys", "-l", text)

    def press(self, *keys: str) -> None:
        """Keys by tmux's names: Enter, Escape, C-k."""
        self._tmux("send-keys", *keys)

    def paste(self, text: str, file: Path) -> None:
        """As a terminal pastes where bracketed paste is on."""
        file.write_text(text)
        self._tmux("load-buffer", str(file))
        self._tmux("paste-buffer", "-p", "-r")

    def resize(self, columns: int, rows: int) -> None:
        """Another window size."""
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def screen(self) -> str:
        """What stands on the screen, lines without trailing blanks."""
        return self._tmux("capture-pane", "-p")

    def flags(self) -> str:
        """Modes of the terminal that a program may have left on."""
        return self._tmux("display-message", "-p", FLAGS).strip()

    def wait(self, done: Callable[[str], bool], seconds: float = 20.0) -> str:
        """The first screen for which `done` holds."""
        deadline = time.monotonic() + seconds
        while not done(screen := self.screen()):
            assert time.monotonic() < deadline, f"still after {seconds} s:\n{screen}"
            time.sleep(0.05)
        return screen

    def processes(self) -> list[psutil.Process]:
        """All that was started in this terminal and lives, the shell apart."""
        shell = int(self._tmux("display-message", "-p", "#{pane_pid}"))
        return psutil.Process(shell).children(recursive=True)

    def close(self) -> None:
        """End the shell and what it started."""
        for process in self.processes():
            process.kill()
        self._tmux("kill-server")

    def _tmux(self, *words: str) -> str:
        command = ["tmux", "-S", str(self._socket), *words]
        # Those two would outweigh the real size of the window.
        environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        result = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30, env=environment)
        return result.stdout
