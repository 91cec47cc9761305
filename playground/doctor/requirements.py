"""The requirements of this program, from its metadata, or from `pyproject.toml` in a checkout."""

from __future__ import annotations

import tomllib
from importlib import metadata

from playground import paths

DISTRIBUTION = "inference-playground"


def requirements() -> list[str]:
    """The requirements without extras, as written; empty if neither source can be read."""
    try:
        return [line for line in metadata.requires(DISTRIBUTION) or [] if "extra ==" not in line]
    except metadata.PackageNotFoundError:
        pass
    try:
        project = tomllib.loads((paths.package_folder().parent / "pyproject.toml").read_text())["project"]
    except (OSError, tomllib.TOMLDecodeError, KeyError):
        return []
    return list(project.get("dependencies", []))


def why_unmet(requirement: str) -> str:
    """Why a requirement is not met; empty if it is."""
    # packaging comes with transformers; if that is missing, its own requirement reports it.
    from packaging.requirements import Requirement

    parsed = Requirement(requirement)
    try:
        version = metadata.version(parsed.name)
    except metadata.PackageNotFoundError:
        return "is not installed"
    if parsed.specifier.contains(version, prereleases=True):
        return ""
    return f"is {version}, and this program works with {parsed.specifier}"
