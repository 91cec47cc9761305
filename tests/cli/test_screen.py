"""`playground` and `replay` open the screen in a terminal, and say so where there is none."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from unittest.mock import Mock

import pytest

from playground import app_command
from playground.headless.errors import CommandError

CTRL_Q = b"\x11"
PATIENCE_S = 30


class Terminal:
    """A program on a terminal of its own, 120x40."""

    def __init__(self, words: tuple[str, ...], home: dict[str, str]) -> None:
        self.keyboard, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        environment = home | {"TERM": "xterm-256color"}
        command = [sys.executable, "-m", "playground", *words]
        self.process = subprocess.Popen(
            command, env=environment, stdin=other, stdout=other, stderr=other, start_new_session=True
        )
        os.close(other)
        self.shown = b""

    def wait_for(self, text: str) -> None:
        """Read until the text was drawn."""
        deadline = time.monotonic() + PATIENCE_S
        while text.encode() not in self.shown:
            assert time.monotonic() < deadline, f"{text!r} was not drawn: {self.shown[-2000:]!r}"
            self._read()

    def end(self, key: bytes) -> int:
        """Press a key that ends the program; its exit code."""
        os.write(self.keyboard, key)
        deadline = time.monotonic() + PATIENCE_S
        while self.process.poll() is None and time.monotonic() < deadline:
            self._read()
        return self.process.wait(timeout=1)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.keyboard)

    def _read(self) -> None:
        if select.select([self.keyboard], [], [], 0.2)[0]:
            try:
                self.shown += os.read(self.keyboard, 65536)
            except OSError:
                time.sleep(0.05)


@pytest.fixture
def terminal(home) -> Iterator:
    opened: list[Terminal] = []

    def open_terminal(*words: str) -> Terminal:
        opened.append(Terminal(words, home))
        return opened[-1]

    yield open_terminal
    for one in opened:
        one.close()


def test_the_screen_opens_and_a_key_ends_it(terminal):
    screen = terminal("--engine", "scripted")
    screen.wait_for("scripted")
    screen.wait_for("Toggles")
    code = screen.end(CTRL_Q)
    assert code == 0, screen.shown[-8000:].decode()


def test_a_recording_opens_the_screen_as_a_replay(terminal, run, tmp_path):
    recording = str(tmp_path / "session.jsonl")
    assert run("--prompt", "x", "--record", recording).code == 0
    screen = terminal("replay", recording, "--speed", "0")
    screen.wait_for("REPLAY")
    screen.wait_for("add_numbers")
    assert screen.end(CTRL_Q) == 0


def test_record_keeps_the_session_from_the_start(terminal, playground, tmp_path):
    recording = str(tmp_path / "session.jsonl")
    screen = terminal("record", recording, "--engine", "scripted")
    screen.wait_for("idle")
    os.write(screen.keyboard, b"def add(a, b):\r")
    screen.wait_for("add_numbers")
    assert screen.end(CTRL_Q) == 0
    assert "add_numbers" in playground("replay", recording, "--headless", "--speed", "0").stdout


@pytest.mark.parametrize(
    "words", [["--engine", "scripted"], ["--theme", "dark"], ["record", "session.jsonl"], ["--record", "session.jsonl"]]
)
def test_without_a_terminal_the_commands_that_need_none_are_named(playground, words):
    result = playground(*words)
    assert result.code == 1 and len(result.stderr.splitlines()) == 1
    assert "needs a terminal" in result.stderr and "playground run" in result.stderr


@pytest.mark.parametrize(("drawn", "says"), [(True, "standard input is none"), (False, "standard error is none")])
def test_the_stream_that_is_no_terminal_is_named(drawn, says, monkeypatch, capsys):
    terminal = Mock(isatty=lambda: True)
    monkeypatch.delenv("TEXTUAL_DRIVER", raising=False)
    monkeypatch.setattr(sys, "__stdin__", None if drawn else terminal)
    monkeypatch.setattr(sys, "__stderr__", terminal if drawn else None)
    with pytest.raises(CommandError, match=f"the screen needs a terminal, and {says}"):
        app_command._require_terminal()


def test_a_theme_that_is_not_there_is_said_before_the_screen_opens(terminal):
    screen = terminal("--theme", "nope")
    screen.wait_for("no theme is called 'nope'")
    assert screen.process.wait(timeout=PATIENCE_S) == 2
    assert b"\x1b[?1049h" not in screen.shown
