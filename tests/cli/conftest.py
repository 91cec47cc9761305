"""The program as people start it: a process of its own, in a home of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from playground.cli import main
from playground.config import VLLM_PYTHON

TIMEOUT_S = 120


@dataclass(frozen=True)
class Result:
    """What a process left behind."""

    code: int
    stdout: str
    stderr: str

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The JSON lines of stdout."""
        return [json.loads(line) for line in self.stdout.splitlines()]

    @property
    def summary(self) -> dict[str, Any]:
        """The last line."""
        last = self.messages[-1]
        assert last["type"] == "Summary"
        return last

    def events(self, kind: str) -> list[dict[str, Any]]:
        """The events of one type."""
        return [message for message in self.messages if message["type"] == kind]


Playground = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment in which nothing of the user's is read or written, and no vLLM is known."""
    known = {name: value for name, value in os.environ.items() if name != VLLM_PYTHON}
    folders = {f"XDG_{kind}_HOME": str(tmp_path / kind.lower()) for kind in ("CONFIG", "STATE", "DATA", "CACHE")}
    return known | folders | {"HF_HUB_OFFLINE": "1", "PYTHONIOENCODING": "utf-8"}


@pytest.fixture
def playground(home: dict[str, str]) -> Playground:
    """Runs `python -m playground` with these words."""

    def start(*words: str, timeout_s: float = TIMEOUT_S) -> Result:
        command = [sys.executable, "-m", "playground", *words]
        process = subprocess.run(command, env=home, capture_output=True, timeout=timeout_s, check=False)
        return Result(process.returncode, process.stdout.decode(), process.stderr.decode())

    return start


@pytest.fixture
def parsed(home: dict[str, str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Playground:
    """The same for what ends before anything is started, and so needs no process of its own."""

    def start(*words: str) -> Result:
        for name, value in home.items():
            monkeypatch.setenv(name, value)
        try:
            code = main(list(words))
        except SystemExit as error:
            code = int(error.code or 0)
        said = capfd.readouterr()
        return Result(code, said.out, said.err)

    return start


@pytest.fixture
def run(playground: Playground) -> Playground:
    """Runs `playground run` on the scripted engine."""

    def start(*words: str) -> Result:
        return playground("run", "--engine", "scripted", *words)

    return start


@pytest.fixture
def prompts(tmp_path: Path) -> Callable[..., str]:
    """Writes a file of prompts, one object a line."""

    def write(*lines: dict[str, Any] | str) -> str:
        path = tmp_path / "prompts.jsonl"
        path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
        return str(path)

    return write
