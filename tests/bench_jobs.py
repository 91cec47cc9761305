"""The load that benchmarks of engines share. Imports nothing heavy: interpreters without our libraries read it too."""

from __future__ import annotations

import random

Job = tuple[list[int], int]


def ragged(count: int, vocabulary: int, seed: int = 1) -> list[Job]:
    """Prompts of 8..48 tokens, output lengths lognormal in 16..256."""
    draw = random.Random(seed)
    lengths = [min(256, max(16, int(draw.lognormvariate(4.2, 0.8)))) for _ in range(count)]
    return [([draw.randrange(3, vocabulary) for _ in range(draw.randint(8, 48))], new) for new in lengths]
