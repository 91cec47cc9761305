"""Scripted engines that misbehave as real libraries do: they print, read the terminal, start children, take long."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from time import sleep

from playground.engine.backends.base import Emit, Progress
from playground.engine.backends.scripted.backend import ScriptedBackend
from playground.protocol.commands import LoadModel
from playground.protocol.events import Failed

SLEEP_S = 300


class NoisyEngine(ScriptedBackend):
    """Prints in every way possible, reads stdin, and starts a child that would outlive it."""

    def __init__(self, emit: Emit) -> None:
        super().__init__(emit)
        print('{"type": "printed"}')
        os.write(1, b"written to 1\n")
        os.write(2, b"written to 2\n")
        subprocess.run(["echo", "said by a child"], check=True)
        print("stdin gave", os.read(0, 100), "and", sys.stdin.read(), flush=True)
        child = subprocess.Popen(["sleep", str(SLEEP_S)])
        Path(os.environ["CHILD_FILE"]).write_text(str(child.pid))


class ForkingEngine(ScriptedBackend):
    """Forks a child that keeps the pipe of the events open."""

    def __init__(self, emit: Emit) -> None:
        super().__init__(emit)
        child = os.fork()
        if not child:
            sleep(SLEEP_S)
            os._exit(0)
        Path(os.environ["CHILD_FILE"]).write_text(str(child))


class LeavingEngine(ScriptedBackend):
    """Starts two processes in sessions of their own: a child, and one whose parent has ended, as daemons do."""

    def __init__(self, emit: Emit) -> None:
        super().__init__(emit)
        child = subprocess.Popen(["sleep", str(SLEEP_S)], start_new_session=True)
        daemon = f"setsid sleep {SLEEP_S} > /dev/null 2>&1 & echo $!"
        started = subprocess.run(["sh", "-c", daemon], capture_output=True, text=True, check=True)
        Path(os.environ["CHILD_FILE"]).write_text(f"{child.pid} {started.stdout}")


class SeizedEngine(ScriptedBackend):
    """Loads without ever letting another thread run, such as the one that reads commands."""

    def load(self, command: LoadModel, progress: Progress) -> None:
        progress("weights")
        sleep(0.1)
        re.match("(a|a)*b", "a" * 100)


class SlowEngine(ScriptedBackend):
    """Loads for ever but checks for a cancel, unless the model is called quick."""

    def load(self, command: LoadModel, progress: Progress) -> None:
        while command.model != "quick":
            progress("weights")
            sleep(0.01)
        super().load(command, progress)


class StuckEngine(ScriptedBackend):
    """Loads for ever without checking for a cancel."""

    def load(self, command: LoadModel, progress: Progress) -> None:
        progress("weights")
        sleep(SLEEP_S)


class KeepingEngine(ScriptedBackend):
    """Refuses every model but the first, which stays loaded, as vLLM's backend does."""

    def __init__(self, emit: Emit) -> None:
        super().__init__(emit)
        self._kept: LoadModel | None = None

    def load(self, command: LoadModel, progress: Progress) -> None:
        if self._kept is not None:
            self._emit(Failed(where="LoadModel", message=f"not {command.model}"))
        self._kept = self._kept or command
        super().load(self._kept, progress)
