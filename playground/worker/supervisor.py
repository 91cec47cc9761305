"""A process above the worker, on Linux: nothing that the worker has started, in whatever session, outlives it."""

from __future__ import annotations

import ctypes
import os
import resource
import select
import signal
import sys
from contextlib import suppress
from time import monotonic
from typing import NoReturn

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h
HEARD = {signal.SIGCHLD, signal.SIGHUP, signal.SIGALRM, signal.SIGTERM}
GRACE_S = 1.0  # the end of input ends a worker; one whose reading thread cannot run is ended after it
LONGEST_END_S = 10.0  # a driver takes seconds to give back a full GPU
AGAIN_S = 0.02


def supervise() -> None:
    """Let a child go on from here. This process waits for it, ends all that descends from it, and ends as it did.
    SIGTERM ends all at once, and so does, after `GRACE_S`, the death of the process that started this one."""
    if sys.platform != "linux":
        return
    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
    prctl(PR_SET_PDEATHSIG, signal.SIGHUP)
    if _input_ended():
        os._exit(0)
    supervisor, worker = os.getpid(), os.fork()
    if worker:
        _Supervisor(worker).run()
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != supervisor:
        os._exit(0)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Supervisor:
    """Adopts every orphan below it, so that all that is left of the worker are children."""

    def __init__(self, worker: int) -> None:
        self._worker = worker
        self._status: int | None = None

    def run(self) -> NoReturn:
        """Wait, end all, end."""
        self._wait()
        self._end_all()
        _end_with(self._status)

    def _wait(self) -> None:
        while self._status is None:
            number = signal.sigwait(HEARD)
            if number == signal.SIGHUP:
                signal.setitimer(signal.ITIMER_REAL, GRACE_S)
            elif number != signal.SIGCHLD:
                return
            self._reap()

    def _end_all(self) -> None:
        """End every child, and those that it leaves behind."""
        until = monotonic() + LONGEST_END_S
        _kill_children()
        while self._reap() and monotonic() < until:
            signal.sigtimedwait({signal.SIGCHLD}, AGAIN_S)
            _kill_children()

    def _reap(self) -> bool:
        """Collect all that have ended; returns whether there are other children."""
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == self._worker:
                    self._status = ended[1]
            return True
        return False


def _kill_children() -> None:
    with suppress(OSError), open(f"/proc/self/task/{os.getpid()}/children") as children:
        for pid in children.read().split():
            with suppress(ProcessLookupError, PermissionError):
                os.kill(int(pid), signal.SIGKILL)


def _input_ended() -> bool:
    """Whether the process that started this one died before this one could ask to be told."""
    poll = select.poll()
    poll.register(0, 0)
    return any(event & select.POLLHUP for _, event in poll.poll(0))


def _end_with(status: int | None) -> NoReturn:
    """End as a process with this status of `waitpid` did; without one, as one that was killed."""
    if status is None or os.WIFSIGNALED(status):
        number = signal.SIGKILL if status is None else signal.Signals(os.WTERMSIG(status))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
        os.kill(os.getpid(), number)
    os._exit(os.WEXITSTATUS(status or 0))
