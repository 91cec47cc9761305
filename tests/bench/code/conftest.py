"""Task files, and a sandbox."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from playground.bench.sandbox.confinement import NoSandbox, find_confinement
from playground.bench.sandbox.sandbox import Sandbox


@pytest.fixture
def task_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes rows as .jsonl or .jsonl.gz."""

    def write(*rows: dict[str, Any] | str, name: str = "tasks.jsonl") -> Path:
        text = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return path

    return write


@pytest.fixture(scope="session")
def sandbox() -> Sandbox:
    """The first that works here."""
    try:
        return Sandbox(find_confinement())
    except NoSandbox as error:
        pytest.skip(str(error))
