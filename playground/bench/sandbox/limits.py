"""Limits of a checked program."""

from __future__ import annotations

import msgspec


class SandboxLimits(msgspec.Struct, frozen=True, kw_only=True):
    """`seconds` of wall clock for program and tests; `memory_bytes` per process, and for all of them together;
    `processes` includes threads. None: the kernel sets no limit."""

    seconds: float = 4.0
    cpu_seconds: float = 8.0
    memory_bytes: int | None = 4 * 2**30
    file_bytes: int = 16 * 2**20
    scratch_bytes: int = 64 * 2**20
    processes: int | None = 64
