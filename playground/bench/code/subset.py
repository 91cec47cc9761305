"""A quick part of a suite that keeps the shares of its strata."""

from __future__ import annotations

import random
from collections.abc import Sequence

from playground.bench.code.task import Task


def subset(tasks: Sequence[Task], size: int | None, seed: int) -> list[Task]:
    """Draw `size` tasks, each stratum by its share (largest remainder), in file order; the same for the same seed."""
    if size is None or size >= len(tasks):
        return list(tasks)
    strata: dict[str, list[int]] = {}
    for index, task in enumerate(tasks):
        strata.setdefault(task.stratum, []).append(index)
    exact = {name: size * len(members) / len(tasks) for name, members in strata.items()}
    taken = {name: int(share) for name, share in exact.items()}
    by_remainder = sorted(strata, key=lambda name: (taken[name] - exact[name], name))
    for name in by_remainder[: size - sum(taken.values())]:
        taken[name] += 1
    drawing = random.Random(seed)
    chosen = [index for name, members in strata.items() for index in drawing.sample(members, taken[name])]
    return [tasks[index] for index in sorted(chosen)]
