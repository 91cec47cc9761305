"""Cosines and sines of every position so far, computed once instead of in each step."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

# Kinds of rotary positions (`rope_type`) whose angles depend on nothing but the position.
STEADY = {"default", "linear", "llama3", "yarn"}
# Positions that the table grows by.
ROOM = 1024


class RotaryTable:
    """Angles as `rotary`, a model's own module, computes them. Looked up on a CPU, where a small operation costs as
    much as the few numbers that it computes."""

    def __init__(self, rotary: Any, sample: Tensor) -> None:
        self._rotary, self._sample = rotary, sample
        self._steady = sample.device.type == "cpu" and getattr(rotary, "rope_type", "") in STEADY
        if self._steady:
            self._grow(ROOM)

    def __call__(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Cosines and `signed` sines of positions [B, q], each [B * q, 1, D]."""
        if not self._steady or torch.compiler.is_compiling():
            return self._made(positions)
        flat = positions.flatten()
        try:
            angles = self._angles.index_select(0, flat)
        except IndexError:  # a position beyond the table
            self._grow(int(flat.max()) + ROOM)
            angles = self._angles.index_select(0, flat)
        cosines, sines = angles.unbind(1)
        return cosines, sines

    def _grow(self, count: int) -> None:
        self._angles = torch.stack(self._made(torch.arange(count).unsqueeze(0)), 1)

    def _made(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        cosines, sines = self._rotary(self._sample, position_ids=positions)
        return cosines.flatten(0, 1).unsqueeze(1), signed(sines.flatten(0, 1).unsqueeze(1))


def signed(sines: Tensor) -> Tensor:
    """Sines [..., D] for halves exchanged by `roll`: the first half negated."""
    first, second = sines.chunk(2, -1)
    return torch.cat((-first, second), -1)
