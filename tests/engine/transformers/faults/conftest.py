"""One worker for all faults of a session: a fault that it does not survive fails the tests after it too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.transformers import checkpoints
from tests.engine.transformers.faults.hub import Hub
from tests.engine.transformers.faults.live_worker import LiveWorker

Make = Callable[..., Path]


@pytest.fixture(scope="session")
def hub() -> Iterator[Hub]:
    """A hub on this machine."""
    with Hub() as hub:
        yield hub


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory, hub: Hub) -> dict[str, str]:
    """Reads and writes nothing of the user's, and uses our hub."""
    home = str(tmp_path_factory.mktemp("hub-home"))
    return {"HF_HOME": home, "HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}


@pytest.fixture(scope="session")
def worker(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Iterator[LiveWorker]:
    """The worker of the session."""
    # Freed memory goes back at once: what a limit leaves is then what there is.
    allocator = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_ARENA_MAX": "1"}
    worker = LiveWorker(tmp_path_factory.mktemp("worker") / "log", environment | allocator)
    yield worker
    worker.process.kill()
    worker.process.wait()


@pytest.fixture
def checkpoint(tmp_path: Path) -> Make:
    """Makes the checkpoint of a test, called `model`."""

    def make(**config: Any) -> Path:
        return checkpoints.make(tmp_path / "model", **config)

    return make
