"""Slots of vLLM's requests. vLLM keeps its rows in a list; on the board a request keeps one slot while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from playground.engine.slots import free_slot
from playground.protocol.steps import Phase, SlotWork

if TYPE_CHECKING:
    from playground.engine.backends.vllm.steps import StepRow, StepRows


class Slots:
    """The slot of each running request, by vLLM's ids."""

    def __init__(self) -> None:
        self._slots: dict[str, int] = {}

    def take(self, rows: StepRows, known: Mapping[str, str]) -> None:
        """Give newly admitted requests the lowest free slots and take those of preempted ones."""
        for inner in rows.preempted:
            self._slots.pop(inner, None)
        for row in rows.rows:
            if row.request_id in known and row.request_id not in self._slots:
                self._slots[row.request_id] = free_slot(self._slots.values())

    def leave(self, inner: str) -> None:
        """Free the slot of a request that ended."""
        self._slots.pop(inner, None)

    def works(self, rows: StepRows, known: Mapping[str, str], slots: int) -> list[SlotWork]:
        """One entry per slot, including empty ones; a request that got no tokens in the step counts as held."""
        works = [SlotWork()] * max(slots, 1 + max(self._slots.values(), default=0))
        for inner, slot in self._slots.items():
            works[slot] = SlotWork(request_id=known[inner], phase="held")
        for row in rows.rows:
            if row.request_id in self._slots:
                works[self._slots[row.request_id]] = _work(row, known[row.request_id])
        return works


def _work(row: StepRow, request_id: str) -> SlotWork:
    phase: Phase = "decode" if row.decode else "prefill"
    return SlotWork(
        request_id=request_id, phase=phase, tokens=row.tokens, speculated=row.speculated, accepted=row.accepted
    )
