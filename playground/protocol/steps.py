"""Engine steps: what each slot did in one, and which KV blocks each request holds."""

from __future__ import annotations

from typing import Literal

import msgspec

Phase = Literal["prefill", "decode", "held", "empty"]


class SlotWork(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one slot did in one step: `tokens` computed; of `speculated` draft tokens the first `accepted` were
    accepted, and one more token was sampled. So draft position i was proposed if `speculated` > i and accepted if
    `accepted` > i."""

    request_id: str | None = None
    phase: Phase = "empty"
    tokens: int = 0
    speculated: int = 0
    accepted: int = 0

    @property
    def busy(self) -> bool:
        """Whether tokens were computed in it."""
        return self.phase in ("prefill", "decode")


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One engine step with its membership: the batching board draws this and nothing else. `observed`: not an engine
    step but an interval in which tokens of a server arrived; its slots are the open streams, and occupancy is
    unknown."""

    index: int
    start: float
    seconds: float
    slots: list[SlotWork]
    waiting: list[str] = []
    finished: list[str] = []
    preempted: list[str] = []
    blocks_used: int = 0
    blocks_free: int = 0
    blocks_cached: int = 0
    kv_bytes: int = 0
    observed: bool = False


class BlockTable(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The KV blocks of one request in their order, and the tokens stored in them; `held`: the request has finished."""

    blocks: list[int]
    tokens: int
    held: bool = False
