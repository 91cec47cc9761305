"""Checks Python and the libraries of the main job: installed, in range, and importable."""

from __future__ import annotations

import platform
import re
import sys
from importlib.util import find_spec

from playground.doctor.finding import PIP, Finding
from playground.doctor.imports import Import, try_imports
from playground.doctor.requirements import requirements, why_unmet

IMPORTED = ["torch", "transformers", "bitsandbytes"]


def check_python() -> list[Finding]:
    """Report the interpreter; the package cannot be installed under one that is too old."""
    version = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return [Finding(name="Python", status="ok", message=version)]


def check_libraries(imports: dict[str, Import]) -> list[Finding]:
    """One finding for each library that is imported, and one for each other requirement that is not met."""
    unmet = _unmet()
    findings = [_library(imports[name], unmet.pop(name, None)) for name in IMPORTED]
    findings += [
        Finding(name=name, status="missing", message=why, fix=f"{PIP} '{line}'") for name, (line, why) in unmet.items()
    ]
    return [*findings, *_torchvision(imports["torchvision"])]


def import_libraries() -> dict[str, Import]:
    """Import them all in one child process."""
    return try_imports([*IMPORTED, "torchvision"])


def _unmet() -> dict[str, tuple[str, str]]:
    if not find_spec("packaging"):
        return {}
    lines = {re.split(r"[\s<>=!~;\[]", line, maxsplit=1)[0]: line for line in requirements()}
    return {name: (line, why) for name, line in lines.items() if (why := why_unmet(line))}


def _library(found: Import, unmet: tuple[str, str] | None) -> Finding:
    if not found.found:
        line = unmet[0] if unmet else found.name
        return Finding(name=found.name, status="missing", message="is not installed", fix=f"{PIP} '{line}'")
    if found.error:
        return Finding(name=found.name, status="missing", message=found.error, fix=found.fix(sys.executable))
    if unmet:
        return Finding(name=found.name, status="warn", message=unmet[1], fix=f"{PIP} '{unmet[0]}'")
    return Finding(name=found.name, status="ok", message=found.version)


def _torchvision(found: Import) -> list[Finding]:
    """Report a broken torchvision: it is not needed, but breaks libraries that import it."""
    if not found.error:
        return []
    return [Finding(name="torchvision", status="warn", message=found.error, fix=found.fix(sys.executable))]
