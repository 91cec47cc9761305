"""The mask of a prefill over several blocks under a quantized cache: keys are [stored | exact]."""

from __future__ import annotations

import torch
from torch import Tensor

from playground.engine.backends.transformers.kv.row import BatchRow

# Tokens of one pass: bounds the mask and the exact keys beside the stored ones.
LONG_TOKENS = 256


def crosses(row: BatchRow, size: int) -> bool:
    """Whether the row crosses the end of a block of `size` tokens."""
    return row.start // size < (row.length - 1) // size


def stored_mask(row: BatchRow, size: int, device: torch.device) -> Tensor:
    """What each query sees, [1, 1, q, columns]: stored keys of earlier blocks, exact ones of its own up to itself."""
    queries = torch.arange(row.start, row.length, device=device).unsqueeze(1)
    stored = torch.arange((row.length - 1) // size * size, device=device)
    exact = torch.arange(row.start // size * size, row.length, device=device)
    own, earlier = queries // size == exact // size, stored // size < queries // size
    return torch.cat([earlier, own & (exact <= queries)], 1)[None, None]
