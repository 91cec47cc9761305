"""What generation_config.json asks for: whether it can be read, and whether answers here follow it."""

from __future__ import annotations

from collections.abc import Iterator

from playground.engine.backends.base import Progress
from playground.engine.checkpoint.checkpoint import Checkpoint
from playground.engine.checkpoint.config import not_followed
from playground.protocol.events import CheckFinding


def check_generation(checkpoint: Checkpoint, progress: Progress) -> Iterator[CheckFinding]:
    """The settings that change even greedy answers of `generate`."""
    note = not_followed(checkpoint)
    yield CheckFinding(
        name="generation config",
        verdict="warn" if note else "pass",
        evidence=note or "nothing in it changes greedy answers",
        advice="answers here differ from those of `generate`, which follows it" if note else "",
    )
