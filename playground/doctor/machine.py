"""Checks memory, the terminal and the sandbox."""

from __future__ import annotations

import locale
import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

from playground.doctor.finding import Finding
from playground.telemetry.host import Host

NEEDED_BYTES = 2 * 2**30  # torch, transformers and the bundled model take about a third of it
SMALLEST = (80, 24)


def check_memory() -> list[Finding]:
    """Check free memory, in this container if there is one."""
    host = Host().sample()
    if host.total is None or host.used is None:
        return [Finding(name="memory", status="warn", message="this system does not tell how much is free")]
    free = host.total - host.used
    message = f"{free / 2**30:.1f} of {host.total / 2**30:.1f} GiB free"
    return [Finding(name="memory", status="ok" if free >= NEEDED_BYTES else "warn", message=message)]


def check_terminal() -> list[Finding]:
    """Check colours, size and encoding, if this runs in a terminal."""
    size = _terminal_size()
    if size is None:
        return [
            Finding(name="terminal", status="warn", message="this is none; `run` and `replay --headless` need none")
        ]
    term = os.environ.get("TERM", "")
    if term in ("", "dumb"):
        message = f"TERM is {term!r}, so nothing can be drawn"
        return [Finding(name="terminal", status="missing", message=message, fix="export TERM=xterm-256color")]
    if "utf" not in locale.getpreferredencoding(False).lower():
        return [Finding(name="terminal", status="warn", message="the locale is not UTF-8", fix="export LANG=C.UTF-8")]
    message = f"{term}, {_colours(term)}, {size[0]}x{size[1]}"
    if size[0] < SMALLEST[0] or size[1] < SMALLEST[1]:
        message += f"; the screens are made for {SMALLEST[0]}x{SMALLEST[1]} and more"
        return [Finding(name="terminal", status="warn", message=message, fix="resize -s 24 80")]
    return [Finding(name="terminal", status="ok", message=message)]


def check_sandbox() -> list[Finding]:
    """Check bubblewrap, which confines model-written code."""
    if not shutil.which("bwrap"):
        message = "bwrap is not installed: code that a model writes runs with less protection"
        return [Finding(name="bubblewrap", status="missing", message=message, fix="sudo apt-get install bubblewrap")]
    command = ["bwrap", "--ro-bind", "/", "/", "--unshare-all", "true"]
    try:
        tried = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
        error = tried.stderr.strip() if tried.returncode else ""
    except (OSError, subprocess.TimeoutExpired) as failure:
        error = str(failure)
    if error:
        message = f"bwrap cannot make a sandbox here: {error}"
        return [Finding(name="bubblewrap", status="warn", message=message, fix=_allow_namespaces())]
    return [Finding(name="bubblewrap", status="ok", message="makes sandboxes")]


def _allow_namespaces() -> str:
    """The sysctl of Ubuntu or Debian that allows it; empty inside a container."""
    switches = {"kernel/apparmor_restrict_unprivileged_userns": "0", "kernel/unprivileged_userns_clone": "1"}
    for name, value in switches.items():
        path = Path("/proc/sys") / name
        if path.exists() and path.read_text().strip() != value:
            return f"sudo sysctl -w {name.replace('/', '.')}={value}"
    return ""


def _terminal_size() -> tuple[int, int] | None:
    for descriptor in (1, 2, 0):
        with suppress(OSError):
            size = os.get_terminal_size(descriptor)
            return size.columns, size.lines
    return None


def _colours(term: str) -> str:
    if os.environ.get("NO_COLOR"):
        return "no colours (NO_COLOR is set)"
    if os.environ.get("COLORTERM") in ("truecolor", "24bit") or term.endswith("-direct"):
        return "16.7 million colours"
    return "256 colours" if "256" in term else "16 colours"
