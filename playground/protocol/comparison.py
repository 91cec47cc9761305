"""Progress events of an A/B comparison, emitted by the process that drives it and not by a worker."""

from __future__ import annotations

from typing import Literal

import msgspec

from playground.protocol.events import Event

SideName = Literal["A", "B"]


class ComparedRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run of one side. `kv_bytes`: peak bytes of its KV blocks; `tokens`: prompt plus answer."""

    side: SideName
    ttft_s: float | None
    decode_tps: float | None
    kv_bytes: int
    tokens: int
    token_ids: list[int]
    text: str

    @property
    def kv_per_token(self) -> float | None:
        """Bytes of KV per token, since the sides may end at different lengths."""
        return self.kv_bytes / self.tokens if self.kv_bytes and self.tokens else None


class Divergence(msgspec.Struct, frozen=True, kw_only=True):
    """Teacher-forced on A's answer, one value per token of it: KL(A ‖ B), and the rank of A's token under B. `noise`:
    the KL of A against itself. `reason`: why nothing was measured. `likeliest`: 0 if the whole vocabulary was compared,
    else the number of ids per position; KL is then a lower bound."""

    kl: list[float] = []
    rank: list[int] = []
    agreement: float | None = None
    noise: float | None = None
    reason: str = ""
    likeliest: int = 0

    @property
    def kl_mean(self) -> float | None:
        """Nats per token."""
        return sum(self.kl) / len(self.kl) if self.kl else None


class ComparisonAdvanced(Event, frozen=True):
    """Comparison `number` reached `phase`; `run` is the newest run, if there is one. `a` and `b` describe how the sides
    differ, `name` is B's name in the verdict, `planned` the number of runs in all. By side: `weights` in bytes,
    effective toggles, and why they differ from the requested ones."""

    number: int
    name: str
    a: str
    b: str
    planned: int
    weights: dict[str, int]
    effective: dict[str, dict[str, str]]
    reasons: dict[str, dict[str, str]]
    phase: str = ""
    run: ComparedRun | None = None
    divergence: Divergence | None = None
    ended: bool = False
