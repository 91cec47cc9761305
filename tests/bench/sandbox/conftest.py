"""The sandbox of every kind that this machine has, and hostile programs to put into it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from playground.bench.sandbox.confinement import Confinement, NoSandbox, find_confinement
from playground.bench.sandbox.limits import SandboxLimits
from playground.bench.sandbox.sandbox import Outcome, Program, Sandbox

KINDS = ("bubblewrap", "namespaces")
Check = Callable[..., Outcome]


@pytest.fixture(scope="session", params=KINDS)
def confinement(request: pytest.FixtureRequest) -> Confinement:
    """Each kind of walls; skipped where this machine cannot build it."""
    try:
        return find_confinement((request.param,))
    except NoSandbox as error:
        pytest.skip(str(error))


@pytest.fixture
def check(confinement: Confinement) -> Check:
    """Runs a program with its tests; limits by name."""

    def run(program: str, test: str = "assert f() == 1", seconds: float = 20.0, **more: bool) -> Outcome:
        task = Program(program=program, test=test, **more)
        return asyncio.run(Sandbox(confinement).run(task, SandboxLimits(seconds=seconds, cpu_seconds=seconds)))

    return run


@pytest.fixture
def leaves_nothing() -> Iterator[None]:
    """After the test no sandbox is left of this process, nor one that nobody owns any more; others may run."""
    before = _sandboxes()
    yield
    for _ in range(50):
        if not _sandboxes() - before:
            return
        time.sleep(0.1)
    raise AssertionError("processes are left")


def _sandboxes() -> set[int]:
    here, found = os.getpid(), set()
    for process in psutil.process_iter(["cmdline", "ppid"]):
        inside = "bench/sandbox/inside" in str(process.info["cmdline"])
        with contextlib.suppress(psutil.NoSuchProcess):
            if inside and (process.info["ppid"] == 1 or here in {parent.pid for parent in process.parents()}):
                found.add(process.pid)
    return found
