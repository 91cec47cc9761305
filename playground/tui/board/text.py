"""The texts of the board: for its header line, and for the cell under the cursor."""

from __future__ import annotations

from collections import Counter

from playground.text import numbers
from playground.tui.board.columns import Scale, steps_in
from playground.tui.board.model import BoardModel, SlotRun

MOST_WAITING = 6
WORDS = {"prefill": "prefill", "decode": "decode", "draft": "draft accepted", "held": "held, idle"}


def waiting(model: BoardModel) -> str:
    """The letters of the queue, its front first: A B C +4."""
    shown = [model.letters[request_id].text for request_id in model.waiting[:MOST_WAITING]]
    more = len(model.waiting) - len(shown)
    return " ".join([*shown, *([f"+{more}"] if more else [])]) or ("0" if model.total else numbers.UNKNOWN)


def newest_step(model: BoardModel) -> str:
    """The engine's number of the newest step."""
    return numbers.count(model.moment(model.total - 1).step_index if model.total else None)


def cell(model: BoardModel, scale: Scale, slot: int, column: int) -> str:
    """Step, request, phase, tokens and duration of one cell; for a merged one, those of all its steps."""
    steps = steps_in(model, scale, column)
    if not steps:
        return f"slot {slot}  no step"
    moments = [model.moment(step) for step in steps]
    first, last = numbers.count(moments[0].step_index), numbers.count(moments[-1].step_index)
    which = f"step {first}" if len(steps) == 1 else f"steps {first}–{last}"
    tokens = sum(moment.tokens[slot] for moment in moments if slot < len(moment.tokens))
    parts = [f"slot {slot}", which, *_phases(model, slot, steps), _tokens(tokens)]
    if drafts := [moment.drafts[slot] for moment in moments if slot in moment.drafts]:
        parts.append(f"{sum(accepted for _, accepted in drafts)} of {sum(k for k, _ in drafts)} drafts accepted")
    return "  ".join([*parts, numbers.seconds(sum(moment.seconds for moment in moments))])


def _tokens(count: int) -> str:
    return f"{numbers.count(count)} token" + "s" * (count != 1)


def _phases(model: BoardModel, slot: int, steps: range) -> list[str]:
    """One entry per request: its letter and phases, each with its number of steps if there are several."""
    phases: dict[str, Counter[str]] = {}
    ends: dict[str, str] = {}
    for run in model.runs[slot] if slot < len(model.runs) else ():
        if overlap := _overlap(run, steps):
            phases.setdefault(run.request_id, Counter())[WORDS[run.kind]] += overlap
            if not run.open and run.last in steps:
                ends[run.request_id] = ", ends" if run.ends else ", then preempted"
    if not phases:
        return ["empty"]
    return [
        f"{model.letters[request_id].text} {_counted(counted, len(steps))}{ends.get(request_id, '')}"
        for request_id, counted in phases.items()
    ]


def _overlap(run: SlotRun, steps: range) -> int:
    return max(0, min(run.last, steps[-1]) - max(run.first, steps[0]) + 1)


def _counted(phases: Counter[str], steps: int) -> str:
    if steps == 1:
        return next(iter(phases))
    return ", ".join(f"{phase} {count}" for phase, count in phases.items())
