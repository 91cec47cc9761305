"""Which side of the split a text is on: decided by its hash, so training and held-out data never meet."""

from __future__ import annotations

import hashlib

HELD_OUT_SHARE = 16  # one text in so many is kept from training


def is_held_out(text: str) -> bool:
    """Whether this combination, request or sentence is kept from training."""
    return hashlib.sha256(text.encode()).digest()[0] % HELD_OUT_SHARE == 0
