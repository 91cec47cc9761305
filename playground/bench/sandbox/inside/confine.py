"""Drops rights of the process that calls it: user, capabilities, resources."""

import ctypes
import os
import resource
from typing import Any

PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 4, 38
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
