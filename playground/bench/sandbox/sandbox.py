"""Runs one program with its tests, confined, and returns the verdict."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import tempfile
from typing import Literal

import msgspec
import psutil

from playground.bench.sandbox.confinement import CLEAN, Confinement
from playground.bench.sandbox.limits import SandboxLimits

Status = Literal["passed", "failed", "timed_out"]
BACKSTOP_SECONDS = 3.0
LOOK_SECONDS = 0.1
VERDICT_BYTES = 64 * 1024


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """A program to check. `shared`: the tests need the program's own interpreter; `unittest`: they are classes;
    `context`: they run the program themselves, by `exec`."""

    program: str
    test: str
    shared: bool = False
    unittest: bool = False
    context: bool = False
    javascript: bool = False


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict; `seconds` of program and tests, measured inside."""

    status: Status
    detail: str = ""
    seconds: float = 0.0


class Sandbox:
    """Gives every program its own processes, an empty network and an empty /tmp, all removed afterwards."""

    def __init__(self, confinement: Confinement) -> None:
        self.confinement = confinement

    async def run(self, program: Program, limits: SandboxLimits) -> Outcome:
        """Check one program. Cancelling ends all its processes at once."""
        if program.javascript:
            limits = msgspec.structs.replace(limits, memory_bytes=None)  # node reserves far more than it uses
        if self.confinement.kind == "none":
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                return await self._run(program, _limits_of_user(limits), folder)
        return await self._run(program, limits, None)

    async def _run(self, program: Program, limits: SandboxLimits, folder: str | None) -> Outcome:
        process = await _start(self.confinement.command(limits, program.javascript), folder)
        nonce = secrets.token_hex(16)
        watch = asyncio.create_task(_watch_memory(process.pid, SandboxLimits().memory_bytes or 0))
        try:
            payload = msgspec.json.encode({**msgspec.to_builtins(program), "nonce": nonce})
            output = await asyncio.wait_for(_exchange(process, payload), limits.seconds + BACKSTOP_SECONDS)
        except TimeoutError:
            return Outcome(status="timed_out", detail="it took too long", seconds=limits.seconds)
        finally:
            watch.cancel()
            if self.confinement.kind == "none":
                _end_descendants(process)
            _end(process)
            await process.communicate()  # the process is dead: this closes the pipes
        over = watch.done() and not watch.cancelled() and watch.result()
        return _read(output, nonce, "its processes took too much memory" if over else "")


async def _start(command: list[str], folder: str | None) -> asyncio.subprocess.Process:
    """Start the process as leader of its own group. A cancel ends the whole group: asyncio would end the leader alone,
    and a bubblewrap that was still building its walls would leave an inner process waiting for ever."""
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, stderr=nothing, env=CLEAN, cwd=folder, start_new_session=True
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        process = await starting
        _end(process)
        await process.communicate()
        raise


async def _exchange(process: asyncio.subprocess.Process, payload: bytes) -> bytes:
    assert process.stdin and process.stdout
    with contextlib.suppress(ConnectionError):
        process.stdin.write(payload)
        await process.stdin.drain()
        process.stdin.close()
    return await process.stdout.read(VERDICT_BYTES)


async def _watch_memory(pid: int, limit: int) -> bool:
    """End a group whose processes together hold more than `limit` bytes: the kernel limits each process alone."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        with contextlib.suppress(psutil.Error):
            root = psutil.Process(pid)
            held = 0
            for process in root.children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    held += process.memory_info().rss
            if held > limit:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)
                return True


def _read(output: bytes, nonce: str, why: str) -> Outcome:
    try:
        verdict = msgspec.json.decode(output)
        if verdict["nonce"] != nonce:
            raise ValueError(output)
    except (msgspec.MsgspecError, ValueError, KeyError, TypeError):
        return Outcome(status="failed", detail=why or "the checker was ended")
    status: Status = "passed" if verdict["passed"] else "timed_out" if verdict.get("timed_out") else "failed"
    return Outcome(status=status, detail=verdict["detail"], seconds=verdict["seconds"])


def _end_descendants(process: asyncio.subprocess.Process) -> None:
    """Those too that left the group, as long as the checker, which adopts them, is there."""
    if process.returncode is None:
        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(process.pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    child.kill()


def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _limits_of_user(limits: SandboxLimits) -> SandboxLimits:
    """The limits without confinement: there the kernel counts all processes of the user, so that theirs need room."""
    mine = sum(process.info["uids"].real == os.getuid() for process in psutil.process_iter(["uids"]))
    return msgspec.structs.replace(limits, processes=mine * 8 + (limits.processes or 0))
