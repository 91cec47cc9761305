"""The sandbox of a user who is not root: the walls then belong to whoever is inside."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

import playground
from tests.bench.sandbox.test_system_calls import OWN_NAMESPACE

USER = 64_000
CHECK = """
import asyncio, sys
from playground.bench.sandbox.confinement import NoSandbox, find_confinement
from playground.bench.sandbox.limits import SandboxLimits
from playground.bench.sandbox.sandbox import Program, Sandbox
try:
    box = Sandbox(find_confinement((sys.argv[1],)))
except NoSandbox as error:
    print("none:", error)
else:
    print(asyncio.run(box.run(Program(program=sys.argv[2], test=sys.argv[3]), SandboxLimits(seconds=20.0))))
"""
WRITES = """
def f(folder):
    try:
        with open(folder + "/x", "wb") as file:
            file.write(bytes(2 ** 20))
    except OSError as error:
        return type(error).__name__
"""


def check(kind: str, program: str, test: str) -> str:
    """What became of a program; skipped where a user cannot build these walls. Root starts as somebody else, with the
    system's Python, since its own may lie where nobody else can read."""
    root = os.getuid() == 0
    python = f"/usr/bin/python3.{sys.version_info.minor}" if root else sys.executable
    if not os.path.exists(python):
        pytest.skip(f"there is no {python}")
    imports = (Path(playground.__file__).parents[1], Path(msgspec.__file__).parents[1])
    closed = [folder for path in imports for folder in (path, *path.parents) if folder.stat().st_mode & 0o005 != 0o005]
    if root and closed:
        pytest.skip(f"another user cannot read {closed[0]}")
    done = subprocess.run(
        [python, "-c", CHECK, kind, program, test],
        env=os.environ | {"PYTHONPATH": ":".join(map(str, imports)), "HOME": "/nowhere"},
        **({"user": USER, "group": USER, "extra_groups": []} if root else {}),
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.stdout.startswith("none:"):
        pytest.skip(done.stdout)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("kind", ["bubblewrap", "namespaces"])
def test_only_tmp_takes_files(kind: str) -> None:
    """What stands in memory elsewhere is beyond the limit on /tmp."""
    for folder in ("/dev", "/dev/shm", "/"):
        assert "status='passed'" in check(kind, WRITES, f"assert f({folder!r}), 'it was written'")
    assert "status='passed'" in check(kind, WRITES, "assert f('/tmp') is None")


@pytest.mark.parametrize("kind", ["bubblewrap", "namespaces"])
def test_a_program_gets_no_user_namespace_of_its_own(kind: str) -> None:
    assert "status='passed'" in check(kind, OWN_NAMESPACE, "assert f('unshare') == 1")
