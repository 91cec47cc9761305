"""Engine steps from a drawing: one string per slot, two characters per step, such as `Ap Ad Ad Ah --`."""

from __future__ import annotations

from collections.abc import Iterable

from playground.protocol.steps import Phase, SlotWork, Step
from playground.tui.board.model import BoardModel

PHASES: dict[str, Phase] = {"p": "prefill", "d": "decode", "a": "decode", "h": "held"}
SECONDS = 1 / 256


def steps(
    *slots: str, ends: str = "", preempts: str = "", waits: Iterable[str] = (), first: int = 0, start: float = 100.0
) -> list[Step]:
    """`ends="3A 5B"`: A finishes in step 3; `preempts` alike. `a` is a decode step with accepted drafts."""
    rows = [slot.split() for slot in slots]
    return [
        Step(
            index=first + number,
            start=start + number * SECONDS,
            seconds=SECONDS,
            slots=[_work(row[number]) for row in rows],
            waiting=list(waits),
            finished=_at(ends, number),
            preempted=_at(preempts, number),
        )
        for number in range(len(rows[0]))
    ]


def folded(*slots: str, **events: str) -> BoardModel:
    """The board after such steps."""
    model = BoardModel()
    model.add(steps(*slots, **events))
    return model


def _work(cell: str) -> SlotWork:
    if cell == "--":
        return SlotWork()
    phase = PHASES[cell[1]]
    drafts = {"speculated": 3, "accepted": 2} if cell[1] == "a" else {}
    tokens = {"prefill": 32, "decode": 1, "held": 0}[phase] + drafts.get("speculated", 0)
    return SlotWork(request_id=cell[0], phase=phase, tokens=tokens, **drafts)


def _at(events: str, number: int) -> list[str]:
    return [event[-1] for event in events.split() if int(event[:-1]) == number]
