"""What the headers of a checkpoint's safetensors files say; nothing is loaded."""

from __future__ import annotations

from math import prod
from pathlib import Path

from playground.engine.checkpoint.safetensors_header import read_header


def stored_elements(folder: Path) -> int:
    """Numbers in all tensors. Packed weights (4 bit in int32) count as they are stored. Raises `EngineError`."""
    return sum(prod(tensor.shape) for file in folder.glob("*.safetensors") for tensor in read_header(file).values())
