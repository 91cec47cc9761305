"""What each slot did in a step: the membership that the batching board draws."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

from playground.engine.request import Request
from playground.engine.scheduler import StepPlan
from playground.protocol.steps import Phase, SlotWork


def free_slot(taken: Iterable[int | None]) -> int:
    """The lowest slot that is not taken."""
    occupied = set(taken)
    return next(slot for slot in itertools.count() if slot not in occupied)


def slot_works(plan: StepPlan, running: Sequence[Request], slots: int, accepted: Mapping[str, int]) -> list[SlotWork]:
    """One entry per slot, including empty ones. Finished rows and requests that were not scheduled in this step count
    as held. `accepted`: accepted draft tokens by request id."""
    taken = [request.slot for request in running if request.slot is not None]
    works = [SlotWork()] * max(slots, 1 + max(taken, default=0))
    for request in (request for request in running if request.slot is not None):
        works[request.slot or 0] = SlotWork(request_id=request.request_id, phase="held")
    for work in plan.works:
        phase: Phase = "decode" if work.decode else "prefill"
        works[work.request.slot or 0] = SlotWork(
            request_id=work.request.request_id,
            phase=phase,
            tokens=work.tokens,
            speculated=len(work.drafts),
            accepted=accepted.get(work.request.request_id, 0),
        )
    return works
