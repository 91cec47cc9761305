"""Terminals, in a home where nothing of the user's is read or written."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal

ENDLESS = """
title = "endless"
summary = "Text that goes on until it is stopped."
[sampling]
max_tokens = 6000
ignore_eos = true
"""
Start = Callable[..., Terminal]


@pytest.fixture
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Runs `playground` with these words in a terminal of its own; says `EXIT code` when it ends."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed; `apt install tmux` does it")
    started: list[Terminal] = []

    def run(*words: str) -> Terminal:
        home = tmp_path_factory.mktemp("e2e")
        presets = home / "config" / "playground" / "presets"
        presets.mkdir(parents=True)
        (presets / "endless.toml").write_text(ENDLESS)
        folders = {f"XDG_{kind}_HOME": str(home / kind.lower()) for kind in ("CONFIG", "STATE", "DATA", "CACHE")}
        root = str(Path(__file__).parents[2])
        variables = {"PYTHONPATH": root, "HF_HUB_OFFLINE": "1", "LC_ALL": "C.UTF-8", "COLORTERM": ""}
        terminal = Terminal(home / "socket", folders | variables)
        started.append(terminal)
        terminal.type(f"{sys.executable} -m playground {' '.join(words)}; echo EXIT $?")
        terminal.press("Enter")
        return terminal

    yield run
    for terminal in started:
        terminal.close()
