"""The zoo's checkpoints and what `generate` answers on them, made once a session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.transformers.reference import Reference, ask_generate
from tests.engine.transformers.zoo import make

Member = Callable[[str], Reference]


@pytest.fixture(scope="session")
def member(tmp_path_factory: pytest.TempPathFactory) -> Member:
    """Name of a zoo member -> its folder and reference answers."""
    made: dict[str, Reference] = {}

    def get(name: str) -> Reference:
        if name not in made:
            folder: Path = make(name, tmp_path_factory.mktemp("zoo") / name)
            made[name] = ask_generate(folder)
        return made[name]

    return get
