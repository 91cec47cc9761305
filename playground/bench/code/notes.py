"""What a reader of the code suite's totals must know beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from playground.bench.code.items import Item, Totals


def reference_notes(items: Sequence[Item]) -> list[str]:
    """How far the verdicts can be trusted, by what the reference answers showed."""
    notes = []
    shared = sum(item.status != "skipped" and not item.apart for item in items)
    if shared:
        where = f"{shared} of {_judged(items)} tasks share an interpreter with their tests"
        notes.append(f"{where}: most forging is noticed there, none is excluded")
    wrong = [item.task_id for item in items if item.reference and item.reference != "passed"]
    if wrong:
        notes.append(f"the reference answer itself does not pass here: {', '.join(wrong)}")
    return notes


def missing_notes(missing: Mapping[str, Sequence[str]]) -> list[str]:
    """Of answers that the engine left out: the tasks by the engine's message."""
    return [
        f"{message}: {len(tasks)} answers are missing, the first that of {tasks[0]}"
        for message, tasks in missing.items()
    ]


def partial_notes(items: Sequence[Item], tasks: int, incomplete: int, totals: Totals) -> list[str]:
    """Of `tasks` tasks those that are not in the totals, and the `incomplete` ones that lack samples."""
    notes, judged = [], _judged(items)
    if len(items) < tasks:
        notes.append(f"partial: {len(items)} of {tasks} tasks are in the totals")
    if incomplete:
        notes.append(f"partial: {incomplete} of {judged} tasks have fewer samples than they were asked for")
    covers = [(k, covered) for k, covered in totals.tasks_at_k.items() if covered < judged]
    notes += [f"pass@{k} covers {n} of {judged} tasks: the others have fewer samples" for k, n in covers]
    return notes


def _judged(items: Sequence[Item]) -> int:
    return sum(item.status != "skipped" for item in items)
