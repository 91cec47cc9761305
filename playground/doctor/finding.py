"""One finding of the doctor, and all of them."""

from __future__ import annotations

import sys
from typing import Literal

import msgspec

PIP = f"{sys.executable} -m pip install"
Status = Literal["ok", "warn", "missing"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """`warn`: works, but could do better; `missing`: cannot be used. `fix` is a command, empty if none helps."""

    name: str
    status: Status
    message: str
    fix: str = ""


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="Diagnosis"):
    """All findings; `works` says whether the transformers engine answers on the bundled model."""

    works: bool
    findings: list[Finding]
