"""Drops rights of the process that calls it: user, capabilities, resources."""

import ctypes
import os
import resource
import time
from _signal import SIGKILL
from typing import Any

PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 4, 36, 38
LONGEST_END_S = 1.0
CAPABILITY_VERSION_3 = 0x20080522


def libc() -> Any:
    """The C library with errno."""
    return ctypes.CDLL(None, use_errno=True)


def drop_user(uid: int | None) -> None:
    """If this process is root, become a user who owns nothing; that drops every capability."""
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    library = libc()
    library.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    library.capset(header, (ctypes.c_uint32 * 6)())


def hide() -> None:
    """Keep other processes from reading this one's memory or descriptors."""
    libc().prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def adopt() -> None:
    """Orphans below this process become its children, so that it can end them."""
    libc().prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_children() -> None:
    """End every child, and those that it leaves behind. One that forks faster than it is ended may outlive this."""
    until = time.monotonic() + LONGEST_END_S
    try:
        while (pids := _children()) and time.monotonic() < until:
            for pid in pids:
                os.kill(pid, SIGKILL)
            for pid in pids:
                os.waitpid(pid, 0)
    except OSError:  # a kernel without that list, or a test that ignores its children
        return


def _children() -> list[int]:
    with open(f"/proc/self/task/{os.getpid()}/children") as children:
        return [int(pid) for pid in children.read().split()]


def limit(limits: dict[str, Any]) -> None:
    """Set limits that the kernel enforces; `memory` and `processes` may be None."""
    seconds = int(limits["cpu_seconds"]) + 1
    for kind, value in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, limits["file_bytes"]),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, limits["memory_bytes"]),
        (resource.RLIMIT_NPROC, limits["processes"]),
        (resource.RLIMIT_NOFILE, 256),
    ):
        if value is not None:
            resource.setrlimit(kind, (value, value))
