"""Which walls are chosen, and what is said where there are none."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from pathlib import Path

import psutil
import pytest

from playground.bench.sandbox.confinement import Confinement, NoSandbox, find_confinement, readable
from playground.bench.sandbox.limits import SandboxLimits
from playground.bench.sandbox.sandbox import Program, Sandbox


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NoSandbox) as caught:
        find_confinement(("bubblewrap",))
    assert caught.value.reasons == {"bubblewrap": "bwrap is not installed"}


def test_walls_are_chosen_by_trying_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(NoSandbox, match="No permissions to create new namespace"):
        find_confinement(("bubblewrap",))


def test_nothing_of_the_home_is_readable_but_the_interpreter() -> None:
    home, real = str(Path.home()), os.path.realpath(Path.home())
    assert home not in readable() and real not in readable() and "/" not in readable() and "/etc" not in readable()


def test_without_walls_verdicts_and_limits_still_hold() -> None:
    sandbox = Sandbox(find_confinement(("none",)))
    assert isinstance(sandbox.confinement, Confinement)

    def run(program: str, seconds: float = 20.0) -> str:
        task = Program(program=program, test="assert f() == 1")
        return asyncio.run(sandbox.run(task, SandboxLimits(seconds=seconds, cpu_seconds=seconds))).status

    before = set(os.listdir(tempfile.gettempdir()))
    assert run("def f(): return 1") == "passed"
    assert run("open('here', 'w').write('x')\ndef f(): return 2") == "failed"
    assert run("import os\ndef f(): os._exit(0)") == "failed"
    assert run("def f():\n    while True: pass", seconds=1.0) == "timed_out"
    left = set(os.listdir(tempfile.gettempdir())) - before
    assert not [name for name in left if os.path.exists(f"{tempfile.gettempdir()}/{name}/here")]


@pytest.mark.parametrize(("then", "status"), [("return 1", "passed"), ("while True: pass", "timed_out")])
def test_without_walls_a_child_that_leaves_its_group_ends_too(then: str, status: str, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    program = f"""
import os, time
def f():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            open({str(tmp_path / "pid")!r}, "w").write(str(os.getpid()))
            time.sleep(60)
        os._exit(0)
    while not os.path.exists({str(tmp_path / "pid")!r}): time.sleep(0.01)
    time.sleep(0.1)
    {then}
"""
    task = Program(program=program, test="assert f() == 1")
    outcome = asyncio.run(Sandbox(find_confinement(("none",))).run(task, SandboxLimits(seconds=1.0)))
    assert outcome.status == status, outcome
    pid = int((tmp_path / "pid").read_text())
    gone = not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    if not gone:
        os.kill(pid, signal.SIGKILL)
    assert gone


def test_cancelling_ends_every_process_of_a_check() -> None:
    async def cancelled() -> None:
        sandbox = Sandbox(find_confinement())
        task = Program(program="import time\ntime.sleep(60)", test="")
        running = asyncio.create_task(sandbox.run(task, SandboxLimits(seconds=60)))
        await asyncio.sleep(1)
        ours = psutil.Process().children(recursive=True)
        assert ours, "the check runs in processes of its own"
        running.cancel()
        await asyncio.wait_for(asyncio.gather(running, return_exceptions=True), 10)
        assert psutil.wait_procs(ours, timeout=10)[1] == []

    asyncio.run(cancelled())
