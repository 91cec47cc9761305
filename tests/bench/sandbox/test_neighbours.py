"""Programs that are checked at the same time: none takes anything from another."""

from __future__ import annotations

import asyncio
import os

import pytest

from playground.bench.sandbox.confinement import Confinement
from playground.bench.sandbox.limits import SandboxLimits
from playground.bench.sandbox.sandbox import Outcome, Program, Sandbox

FORKS = """
import os, time
def f():
    try:
        while True:
            if os.fork() == 0:
                time.sleep(2.0)
                os._exit(0)
    except OSError:
        time.sleep(2.0)
"""
GOOD = Program(program="def f(): return 1", test="assert f() == 1")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give each program a user of its own")
def test_a_program_that_forks_takes_no_process_from_its_neighbour(confinement: Confinement) -> None:
    async def beside() -> Outcome:
        box = Sandbox(confinement)
        forking = asyncio.create_task(box.run(Program(program=FORKS, test="f()"), SandboxLimits()))
        await asyncio.sleep(0.7)
        good = await box.run(GOOD, SandboxLimits())
        assert not forking.done(), "it still holds all its processes"
        await forking
        return good

    assert asyncio.run(beside()).status == "passed"
