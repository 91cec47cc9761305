"""A check that is cancelled leaves nothing behind, at whatever moment of its start."""

from __future__ import annotations

import asyncio
import time

import pytest

from playground.bench.sandbox.confinement import Confinement
from playground.bench.sandbox.limits import SandboxLimits
from playground.bench.sandbox.sandbox import Program, Sandbox

ENDLESS = Program(program="while True: pass", test="")


@pytest.mark.usefixtures("leaves_nothing")
def test_no_process_is_left_by_a_check_cancelled_while_its_walls_are_built(confinement: Confinement) -> None:
    for tenths in range(60):
        ended = asyncio.run(_cancelled_after(tenths / 10_000, confinement))
        assert ended, f"cancelled after {tenths / 10} ms it went on"


async def _cancelled_after(seconds: float, confinement: Confinement) -> bool:
    task = asyncio.create_task(Sandbox(confinement).run(ENDLESS, SandboxLimits(seconds=20.0)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)  # the process is created by now, and is waited for
    time.sleep(seconds)  # the loop stands still: the cancel meets a start that nobody has taken note of yet
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=10)
    return bool(done)
