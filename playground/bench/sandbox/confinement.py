"""The confinement that this machine offers: bubblewrap, else Linux namespaces, else, if allowed, none."""

from __future__ import annotations

import compileall
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Literal

import msgspec

from playground.bench.sandbox.limits import SandboxLimits
from playground.bench.sandbox.node import files_of_node, find_node

Kind = Literal["bubblewrap", "namespaces", "none"]
INSIDE = Path(__file__).parent / "inside"
SYSTEM = ("/usr", "/bin", "/lib", "/lib64", "/lib32", "/etc/alternatives", "/etc/ld.so.cache")
# As root, each program runs as the next of these user ids without files: the limit on processes is per user, and root
# is exempt from it. They end below 65,536, as those of most containers do.
FIRST_USER, USERS = 64_321, 1_000
CLEAN = {"PATH": "/usr/bin:/bin", "HOME": "/tmp", "TMPDIR": "/tmp", "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1"}
CLEAN |= {
    "OPENBLAS_NUM_THREADS": "1",
    "MPLBACKEND": "Agg",
    "PYTHONDONTWRITEBYTECODE": "1",
    "MPLCONFIGDIR": "/tmp",
    "OPENSSL_CONF": "/dev/null",
}
PROBE_SECONDS = 20.0


_started = count(os.getpid() * 8)  # so that two of our processes hardly meet


class NoSandbox(Exception):
    """No kind of confinement works here; `reasons` says why, by kind."""

    def __init__(self, reasons: dict[Kind, str]) -> None:
        super().__init__("; ".join(f"{kind}: {reason}" for kind, reason in reasons.items()))
        self.reasons = reasons


class Confinement(msgspec.Struct, frozen=True, kw_only=True):
    """A kind that works here, and the node that it runs JavaScript with (empty without one)."""

    kind: Kind
    node: str = ""

    def command(self, limits: SandboxLimits, javascript: bool = False) -> list[str]:
        """The command line that reads a task on stdin and writes a verdict on stdout."""
        settings = _settings(self, limits, javascript)
        python = [sys.executable, "-I", "-S", "-B", "-X", "utf8"]
        if self.kind == "namespaces":
            return [*python, str(INSIDE / "namespaces.py"), settings]
        checker = [*python, str(INSIDE / "checker.py"), settings]
        walls = _bubblewrap(limits, readable(self.node if javascript else ""))
        return [*walls, *checker] if self.kind == "bubblewrap" else checker


def find_confinement(kinds: Sequence[Kind] = ("bubblewrap", "namespaces")) -> Confinement:
    """The first kind that really runs a program here; raises `NoSandbox` with the reason of each."""
    node, reasons = find_node(), {}
    compileall.compile_dir(INSIDE, quiet=2)  # inside nothing can be written, so compile here
    for kind in kinds:
        confinement = Confinement(kind=kind, node=node)
        reason = _probe(confinement)
        if not reason:
            return confinement
        reasons[kind] = reason
    raise NoSandbox(reasons)


def readable(node: str = "") -> list[str]:
    """Paths that a program may read, parents first: the system, this interpreter, node, the checker."""
    homes = [f"{path}/" for path in (Path.home(), Path.home().resolve())]
    wanted = [sys.prefix, sys.base_prefix, os.path.realpath(sys.prefix), os.path.realpath(sys.base_prefix)]
    wanted += [str(INSIDE), *(files_of_node(node) if node else ())]
    wanted = [path for path in wanted if not any(home.startswith(f"{path}/") for home in homes)]  # never all of it
    wanted += SYSTEM
    kept: list[str] = []
    for path in sorted(set(wanted)):
        if os.path.exists(path) and not any(path.startswith(f"{other}/") for other in kept):
            kept.append(path)
    return kept


def _settings(confinement: Confinement, limits: SandboxLimits, javascript: bool) -> str:
    prefixes = tuple(f"{os.path.realpath(prefix)}/" for prefix in (sys.prefix, sys.base_prefix))
    paths = [path for path in sys.path if f"{os.path.realpath(path)}/".startswith(prefixes) and "-packages" in path]
    return msgspec.json.encode(
        {
            "uid": FIRST_USER + next(_started) % USERS if os.getuid() == 0 and confinement.kind != "none" else None,
            "walls": confinement.kind != "none",
            "limits": msgspec.to_builtins(limits),
            "paths": paths,
            "node": confinement.node if javascript else "",
            "readable": readable(confinement.node if javascript else ""),
            "scratch_bytes": limits.scratch_bytes,
        }
    ).decode()


def _bubblewrap(limits: SandboxLimits, paths: Sequence[str]) -> list[str]:
    words = [
        shutil.which("bwrap") or "bwrap",
        "--die-with-parent",
        "--unshare-pid",
        "--unshare-net",
        "--unshare-ipc",
        "--unshare-uts",
    ]
    # Root must become another user, which a user namespace with a single user does not allow.
    words += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"] if os.getuid() == 0 else ["--unshare-user"]
    # First, since the interpreter or this checkout may lie below /tmp.
    words += ["--perms", "1777", "--size", str(limits.scratch_bytes), "--tmpfs", "/tmp"]
    for folder in sorted({str(parent) for path in paths for parent in Path(path).parents} - {"/", "/tmp"}):
        words += ["--perms", "0755", "--dir", folder]  # by default bubblewrap makes them readable by root alone
    for path in paths:
        words += ["--ro-bind", path, path]
    words += ["--proc", "/proc", "--dev", "/dev"]
    return [*words, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp"]  # /dev is a tmpfs without a limit


def _probe(confinement: Confinement) -> str:
    """Why this kind does not work here; empty if it does."""
    if confinement.kind == "bubblewrap" and not shutil.which("bwrap"):
        return "bwrap is not installed"
    task: dict[str, object] = {"nonce": "probe", "program": "def f(): return 1", "test": "assert f() == 1"}
    task |= dict.fromkeys(("shared", "unittest", "context"), False)
    try:
        result = subprocess.run(
            confinement.command(SandboxLimits(seconds=PROBE_SECONDS)),
            input=msgspec.json.encode(task),
            capture_output=True,
            env=CLEAN,
            timeout=PROBE_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return f"nothing came within {PROBE_SECONDS:.0f} s"
    if b'"passed":true' in result.stdout and b'"nonce":"probe"' in result.stdout:
        return ""
    printed = result.stderr.decode(errors="replace").strip().splitlines()
    return printed[-1] if printed else f"it ended with code {result.returncode}"
