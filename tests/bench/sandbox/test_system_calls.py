"""Memory that no limit counts: a program gets none of it."""

from __future__ import annotations

import pytest

OWN_NAMESPACE = """
import ctypes
library = ctypes.CDLL(None, use_errno=True)
NEW_USER, CHILD_ENDS = 0x10000000, 17
def f(name):
    library.prctl(4, 1, 0, 0, 0)
    if name == "unshare":
        library.unshare(NEW_USER)
    else:
        clone = {"x86_64": 56, "aarch64": 220}[__import__("os").uname().machine]
        if library.syscall(clone, NEW_USER | CHILD_ENDS, None, None, None, None) == 0:
            __import__("os")._exit(0)
    return ctypes.get_errno()
"""
MEMORY = {
    "memfd": "import os\ndef f(): os.memfd_create('a')",
    "segment": """
import ctypes, os
library = ctypes.CDLL(None, use_errno=True)
def f():
    if library.shmget(0, 1 << 20, 0o1600) < 0:
        raise OSError(ctypes.get_errno(), "shmget")
""",
}


@pytest.mark.parametrize("way", ["unshare", "clone"])
def test_a_program_gets_no_user_namespace_of_its_own(check, way: str) -> None:
    """In one it could mount a file system of any size."""
    outcome = check(OWN_NAMESPACE, f"import errno\nassert f({way!r}) == errno.EPERM, f({way!r})")
    assert outcome.status == "passed", outcome


@pytest.mark.parametrize("kind", MEMORY)
def test_a_program_gets_no_memory_that_belongs_to_no_process(check, kind: str) -> None:
    refused = "try:\n    f()\nexcept OSError:\n    pass\nelse:\n    assert False, 'it was given'"
    outcome = check(MEMORY[kind], refused)
    assert outcome.status == "passed", outcome


def test_processes_and_threads_still_start(check) -> None:
    program = """
import subprocess, threading
def f():
    found = []
    thread = threading.Thread(target=found.append, args=(1,))
    thread.start()
    thread.join()
    return found + [int(subprocess.run(["/bin/echo", "2"], capture_output=True).stdout)]
"""
    assert check(program, "assert f() == [1, 2]").status == "passed"
