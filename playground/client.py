"""The UI's side of a worker: starts it, sends commands, delivers events, notices its death, restarts it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import msgspec

from playground import paths
from playground.config import worker_python
from playground.logs import drop_old_logs
from playground.protocol.commands import LoadModel, Shutdown, Submit
from playground.protocol.events import Failed, LoadCancelled, ModelLoaded, OptionsApplied, RequestFinished, WorkerExited
from playground.protocol.fault import LOOK
from playground.protocol.metrics import NO_METRICS
from playground.protocol.wire import AnyCommand, AnyEvent, decode_event, encode_line

LINE_LIMIT = 64 * 2**20
LOG_TAIL_BYTES = 4000
EXIT_POLL_S = 0.1  # asyncio itself tells no one of an exit while a pipe is open
DIED = "the engine process ended unexpectedly"


class WorkerClient:
    """One child process. Every event goes, in order, to `on_event` on the loop that called `start`. `python`: the
    interpreter, by default that of the settings for the engine."""

    def __init__(
        self, role: str, engine: str, log: Path, on_event: Callable[[AnyEvent], None], python: str = ""
    ) -> None:
        self._role, self._engine, self._log, self._on_event = role, engine, log, on_event
        self._python = python or worker_python(engine)
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._pending: set[str] = set()
        self._stopping = False
        self.last_load: LoadModel | None = None
        self._loaded: LoadModel | None = None
        self._sent: LoadModel | None = None

    @property
    def running(self) -> bool:
        """Whether the child is alive."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start the child in a session of its own, with its output in the log file. Raises `OSError`; see
        `cannot_start` for its message."""
        self._stopping = False
        with open_log(self._log) as log:
            self._process = await asyncio.create_subprocess_exec(
                self._python,
                "-m",
                "playground.worker",
                self._role,
                self._engine,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                limit=LINE_LIMIT,
                env=_environment(self._python),
            )
        self._reader = asyncio.create_task(self._read(self._process))

    def send(self, command: AnyCommand) -> None:
        """Queue a command; one sent to a dead worker ends its requests with an error."""
        if isinstance(command, LoadModel):
            self.last_load = self._sent = command
        if isinstance(command, Submit):
            self._pending.update(request.request_id for request in command.requests)
        if not self.running:
            self._fail_pending(f"{DIED}; restart it first")
        elif self._process and self._process.stdin:
            self._process.stdin.write(encode_line(command))

    async def stop(self, grace_s: float = 1.0) -> None:
        """Ask the child to end; kill it after the grace time."""
        self._stopping = True
        if self.running:
            with contextlib.suppress(ConnectionError):
                self.send(Shutdown())
            await self._wait(grace_s)
        self.kill()
        if self._reader:
            await self._reader

    def give_up_load(self) -> LoadModel | None:
        """After a load that left no model: the load of the previous model, unless that is the one that was stopped or
        failed."""
        former, self.last_load, self._loaded = self._loaded, None, None
        return None if former and self._sent and former.model == self._sent.model else former

    def kill(self) -> None:
        """Kill the child and all that it has started at once."""
        if self._process and self._reader and not self._reader.done():
            _kill(self._process)

    async def restart(self, load: bool = True) -> None:
        """Start a new child, with the same model and options if there was one."""
        await self.stop(grace_s=0)
        await self.start()
        if load and self.last_load:
            self.send(self.last_load)

    async def _wait(self, seconds: float) -> None:
        if self._process:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), seconds)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout
        exiting = asyncio.create_task(_end_with(process))
        try:
            async for line in process.stdout:
                self._hear(line)
        except Exception:  # a line over the limit, or a fault of a listener: later events are lost
            _kill(process)
            self._log_fault()
        code = await process.wait()
        exiting.cancel()
        _end_group(process.pid)
        try:
            self._fail_pending(DIED)
        except Exception:
            self._log_fault()
        if not self._stopping:
            self._on_event(WorkerExited(code=code, log_tail=self._tail(), role=self._role))

    def _hear(self, line: bytes) -> None:
        try:
            event = decode_event(line)
        except msgspec.MsgspecError as error:
            # A caller may be waiting for this event and would wait forever.
            event = Failed(where="worker", message=f"the worker sent what is no event: {error}", advice=LOOK)
        self._note(event)
        self._on_event(event)

    def _note(self, event: AnyEvent) -> None:
        """Remember what a restart must load."""
        if isinstance(event, RequestFinished):
            self._pending.discard(event.request_id)
        elif isinstance(event, OptionsApplied):
            if self.last_load:
                self.last_load = msgspec.structs.replace(self.last_load, options=event.requested)
            if self._loaded:
                self._loaded = msgspec.structs.replace(self._loaded, options=event.requested)
        elif isinstance(event, ModelLoaded) and (load := self.last_load or self._loaded):
            # After a refused load it is the previous model that is loaded.
            model = load.model if load.url else event.facts.path  # a server identifies its models by name
            self.last_load = self._loaded = msgspec.structs.replace(load, model=model)
        elif isinstance(event, LoadCancelled) or (isinstance(event, Failed) and event.where == "LoadModel"):
            self.last_load = None  # a restart must not load what failed to load

    def _fail_pending(self, message: str) -> None:
        for request_id in sorted(self._pending):
            self._on_event(RequestFinished(request_id=request_id, reason="error", metrics=NO_METRICS, message=message))
        self._pending.clear()

    def _log_fault(self) -> None:
        """Append our traceback to the dead worker's log."""
        with contextlib.suppress(OSError), self._log.open("a", encoding="utf-8") as log:
            log.write(f"this process was ended, since what it says could not be taken in:\n{traceback.format_exc()}")

    def _tail(self) -> str:
        with contextlib.suppress(OSError):
            return self._log.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")
        return ""


def cannot_start(error: OSError, worker: str = "engine") -> str:
    """The message for a worker that could not be started, e.g. because its interpreter is missing."""
    return f"the {worker} cannot be started: {f'{error.filename}: ' if error.filename else ''}{error.strerror}"


def open_log(path: Path) -> BinaryIO:
    """Open the log, or the null device if its folder is not writable, and delete old ones."""
    drop_old_logs()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("wb")
    except OSError:
        return open(os.devnull, "wb")


def drop_log(path: Path) -> None:
    """Delete the log if possible; it is no longer needed."""
    with contextlib.suppress(OSError):
        path.unlink()


def drop_empty_log(path: Path) -> None:
    """Delete the log if nothing was printed."""
    with contextlib.suppress(OSError):
        if path.stat().st_size == 0:
            path.unlink()


def _environment(python: str) -> dict[str, str] | None:
    """Let an interpreter of another environment import this package, and nothing else of this environment."""
    if python == sys.executable:
        return None
    folder = paths.import_folder()
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / paths.package_folder().name
    if link.resolve() != paths.package_folder():
        link.unlink(missing_ok=True)
        link.symlink_to(paths.package_folder())
    rest = os.environ.get("PYTHONPATH")
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, (str(folder), rest)))}


async def _end_with(process: asyncio.subprocess.Process) -> None:
    """End the group once the child has exited: while one of its own children holds the pipe, there is no end to read,
    and in Python 3.11 `wait` does not return either."""
    while process.returncode is None:
        await asyncio.sleep(EXIT_POLL_S)
    _end_group(process.pid)


def _kill(process: asyncio.subprocess.Process) -> None:
    """Kill the child with all that descends from it, which on Linux its supervisor does, or else with its group."""
    if process.stdin:
        process.stdin.close()  # what is sent from now on reaches no one
    if sys.platform != "linux":
        _end_group(process.pid)
    elif process.returncode is None:
        # Not by `terminate`, which may collect the exit code that asyncio's own watcher waits for.
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)


def _end_group(pid: int) -> None:
    """Kill the rest of the child's process group; its own children may outlive it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
