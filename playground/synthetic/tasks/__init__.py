"""Small Python tasks whose answers are checked by running them."""

from __future__ import annotations

import random
from collections.abc import Iterator

from playground.synthetic.tasks import (
    arithmetic,
    classes,
    combined,
    conditions,
    dicts,
    loops,
    sequences,
    strings,
)
from playground.synthetic.tasks.draw import Draw
from playground.synthetic.tasks.task import Task, run_tests

THEMES = {
    "arithmetic": (3, arithmetic.FAMILIES),
    "strings": (4, strings.FAMILIES),
    "lists": (4, sequences.FAMILIES),
    "dicts": (4, dicts.FAMILIES),
    "conditions": (4, conditions.FAMILIES),
    "combined": (5, combined.FAMILIES),
    "loops": (4, loops.FAMILIES),
    "classes": (2, classes.FAMILIES),
}
_WEIGHTS = [weight for weight, _ in THEMES.values()]
_FAMILIES = [families for _, families in THEMES.values()]


def draw_task(random_source: random.Random, held_out: bool) -> Task:
    """One task of the wanted side of the split, its answer run against its tests.

    Raises WrongAnswer where an answer fails.
    """
    while True:
        families = random_source.choices(_FAMILIES, _WEIGHTS)[0]
        task = random_source.choice(families)(Draw(random_source))
        if task.held_out == held_out:
            run_tests(task.source, task.test, task.entry_point)
            return task


def held_out_tasks(seed: int, count: int) -> Iterator[Task]:
    """`count` held-out tasks with different prompts."""
    random_source = random.Random(seed)
    seen: set[str] = set()
    while len(seen) < count:
        task = draw_task(random_source, held_out=True)
        if task.prompt not in seen:
            seen.add(task.prompt)
            yield task
