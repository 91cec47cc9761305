"""Runs, and a history to keep them in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from playground.session.history.database import Database
from playground.session.history.run import Run

MakeRun = Callable[..., Run]


@pytest.fixture
def make_run() -> MakeRun:
    """A run with some of its fields as given."""

    def make(**fields: Any) -> Run:
        return Run(**{"at": 1_700_000_000.0, "kind": "chat", "model": "tiny-coder", "engine": "transformers"} | fields)

    return make


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "history.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    database = Database(path)
    yield database
    database.close()
