"""What the headers of a checkpoint's safetensors files say; nothing is loaded."""

from __future__ import annotations

import json
from math import prod
from pathlib import Path


def stored_elements(folder: Path) -> int:
    """Numbers in all tensors. Packed weights (4 bit in int32) count as they are stored."""
    return sum(prod(tensor["shape"]) for file in folder.glob("*.safetensors") for tensor in _header(file))


def _header(file: Path) -> list[dict[str, list[int]]]:
    with file.open("rb") as data:
        header = json.loads(data.read(int.from_bytes(data.read(8), "little")))
    header.pop("__metadata__", None)
    return list(header.values())
