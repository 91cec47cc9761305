"""A node that lies in the user's home: only the program and its libraries are bound, not the folders about it."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from playground.bench.sandbox.confinement import Confinement, NoSandbox, find_confinement
from playground.bench.sandbox.limits import SandboxLimits
from playground.bench.sandbox.node import find_node
from playground.bench.sandbox.sandbox import Outcome, Program, Sandbox

NODE = find_node()


@pytest.fixture(params=["bubblewrap", "namespaces"])
def homely(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Confinement:
    """Walls found by a user whose node is ~/bin/node."""
    if not NODE:
        pytest.skip("there is no node")
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    (tmp_path / "bin").mkdir()
    shutil.copy(NODE, tmp_path / "bin" / "node")
    (tmp_path / "secret").write_text("secret")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    try:
        return find_confinement((request.param,))
    except NoSandbox as error:
        pytest.skip(str(error))


def run(confinement: Confinement, program: str, test: str, javascript: bool = False) -> Outcome:
    task = Program(program=program, test=test, javascript=javascript)
    return asyncio.run(Sandbox(confinement).run(task, SandboxLimits(seconds=20.0)))


def test_nothing_else_of_the_home_is_seen(homely: Confinement) -> None:
    home = os.environ["HOME"]
    assert homely.node == f"{home}/bin/node"
    python = run(homely, "import os\ndef f(path): return os.path.exists(path)", f"assert not f({homely.node!r})")
    assert python.status == "passed", "a program in Python needs no node"
    listed = f"const list = (path) => require('fs').readdirSync(path).join(); const home = {home!r};"
    test = "console.assert(list(home) === 'bin' && list(home + '/bin') === 'node', list(home))"
    seen = run(homely, listed, test, javascript=True)
    assert seen.status == "passed", seen


def test_node_says_where_it_is_behind_a_shim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not NODE:
        pytest.skip("there is no node")
    shim = tmp_path / "node"
    shim.write_text(f'#!/bin/sh\nexec {NODE} "$@"\n')
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert find_node() == NODE
