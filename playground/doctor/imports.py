"""Imports libraries in a child process, so that a broken one becomes a line and does not end this process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec

SOURCE = Path(__file__).with_name("probe.py")
TIMEOUT_S = 180.0
TORCHVISION = "torchvision::nms"


class Cuda(msgspec.Struct, frozen=True, kw_only=True):
    """CUDA as torch sees it; `built_for` is empty in a build without it."""

    built_for: str
    available: bool
    devices: list[str]


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """How the import of one module went."""

    name: str
    found: bool = True
    version: str = ""
    error: str = ""
    cuda: Cuda | None = None

    def fix(self, python: str) -> str:
        """The command that fixes a broken import, if known."""
        if TORCHVISION in self.error:
            # A torchvision of another build than torch; text models need none of the three.
            return f"{python} -m pip uninstall -y torchvision torchaudio torchcodec"
        return f"{python} -m pip install --force-reinstall {self.name}"


def try_imports(names: list[str], python: str = sys.executable) -> dict[str, Import]:
    """Import modules in order under an interpreter; one that ends the child is reported as such."""
    command = [python, "-P", "-c", SOURCE.read_text(), *names]
    try:
        output = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=False).stdout
        died = "the import ended the interpreter"
    except subprocess.TimeoutExpired as expired:
        output, died = expired.stdout or b"", f"the import took more than {TIMEOUT_S:.0f} s"
    except OSError as error:
        output, died = b"", f"{python}: {error.strerror}"
    reports = {report.name: report for line in output.splitlines() if (report := _read(line))}
    return {name: reports.get(name) or Import(name=name, error=died) for name in names}


def _read(line: bytes) -> Import | None:
    try:
        return msgspec.json.decode(line, type=Import)
    except msgspec.MsgspecError:
        return None
