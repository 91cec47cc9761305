"""System calls that this process and its children are refused: what they give is beyond every other limit.

In a user namespace of its own a program mounts a file system of any size; memfds and System V segments hold memory that
belongs to no process. Filters are classic BPF: https://docs.kernel.org/userspace-api/seccomp_filter.html.
"""

import ctypes
import errno
import os
import struct

from confine import libc

PR_SET_SECCOMP, MODE_FILTER = 22, 2
CLONE_NEWUSER = 0x10000000
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # offsets into seccomp_data; the low half of a little-endian argument
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
X32 = 0x40000000  # numbers from here on are those of another ABI
# Of each machine: its architecture, clone, unshare, shmget, memfd_create.
MACHINES = {"x86_64": (0xC000003E, 56, 272, 29, 319), "aarch64": (0xC00000B7, 220, 97, 194, 279)}
CLONE3, MEMFD_SECRET = 435, 447


def refuse() -> None:
    """Refuse them from now on; needs PR_SET_NO_NEW_PRIVS. Raises `SystemExit` where there is no such filter."""
    if (machine := os.uname().machine) not in MACHINES:
        raise SystemExit(f"no filter of system calls for {machine}")
    program = _filter(machine)
    instructions = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(instructions))
    if libc().prctl(PR_SET_SECCOMP, MODE_FILTER, header, 0, 0) != 0:
        raise SystemExit(f"no filter of system calls: {os.strerror(ctypes.get_errno())}")


def _filter(machine: str) -> bytes:
    architecture, clone, unshare, shmget, memfd_create = MACHINES[machine]
    # Jumps count from the next instruction; they lead to the last two, and to where clone's flags are looked at.
    return b"".join(
        struct.pack("HBBI", *instruction)
        for instruction in (
            (LOAD, 0, 0, ARCHITECTURE),
            (EQUAL, 0, 12, architecture),
            (LOAD, 0, 0, NUMBER),
            (AT_LEAST, 10, 0, X32),
            (EQUAL, 10, 0, CLONE3),  # its flags lie in memory; without it clone is called
            (EQUAL, 8, 0, memfd_create),
            (EQUAL, 7, 0, MEMFD_SECRET),
            (EQUAL, 6, 0, shmget),
            (EQUAL, 2, 0, clone),
            (EQUAL, 1, 0, unshare),
            (RETURN, 0, 0, ALLOW),
            (LOAD, 0, 0, FIRST_ARGUMENT),
            (ANY_BIT, 1, 0, CLONE_NEWUSER),
            (RETURN, 0, 0, ALLOW),
            (RETURN, 0, 0, REFUSE | errno.EPERM),
            (RETURN, 0, 0, REFUSE | errno.ENOSYS),
        )
    )
