"""Where node is, and which files it needs to start."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache

PATIENCE_S = 20.0


def find_node() -> str:
    """The real path of node, empty without one. Asks node itself, since the one on PATH may be a shim."""
    found = shutil.which("node")
    path = _output(found, "-p", "process.execPath") if found else ""
    return os.path.realpath(path.strip()) if path.strip() else ""


@cache
def files_of_node(node: str) -> list[str]:
    """Node and the shared libraries that it is linked with."""
    words = _output("ldd", node).split()
    return [node, *(os.path.abspath(word) for word in words if word.startswith("/"))]


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout
