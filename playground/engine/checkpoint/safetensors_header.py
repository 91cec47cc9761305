"""The header of a safetensors file: its tensors, where they are, and whether the file is complete
(https://github.com/huggingface/safetensors#format)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from playground.engine.backends.base import EngineError

LFS_POINTER = b"version https://git-lfs"
BITS = {
    **dict.fromkeys(("F64", "I64", "U64", "C64"), 64),
    **dict.fromkeys(("F32", "I32", "U32"), 32),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 16),
    **dict.fromkeys(("F8_E4M3", "F8_E5M2", "F8_E8M0", "I8", "U8", "BOOL"), 8),
    "F4": 4,
}


@dataclass(frozen=True)
class TensorHeader:
    """One tensor: dtype as the format spells it, shape, and its bytes [start, stop) after the header."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int

    @property
    def fits(self) -> bool:
        """Whether the number of bytes matches dtype and shape; True for an unknown dtype."""
        bits = BITS.get(self.dtype)
        return bits is None or (self.stop - self.start) * 8 == prod(self.shape) * bits


def read_header(file: Path) -> dict[str, TensorHeader]:
    """The tensors of a file by name; raises `EngineError` if it is not a safetensors file or is cut off."""
    try:
        size = file.stat().st_size
        with file.open("rb") as data:
            length = int.from_bytes(data.read(8), "little")
            if length > size:
                raise ValueError
            header = json.loads(data.read(length))
        header.pop("__metadata__", None)
        tensors = {name: _tensor(entry) for name, entry in header.items()}
    except OSError as error:
        raise EngineError(f"{file.name} cannot be read: {error.strerror or error}", "fetch it again") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        if _starts_with(file, LFS_POINTER):
            raise EngineError(f"{file.name} is only a Git LFS pointer", "run `git lfs pull` in its folder") from None
        raise EngineError(f"{file.name} is not a safetensors file or its header is cut off", "fetch it again") from None
    end = 8 + length + max((tensor.stop for tensor in tensors.values()), default=0)
    if size < end:
        raise EngineError(f"{file.name} is cut off: {size} of {end} bytes", "fetch it again")
    return tensors


def _tensor(entry: dict[str, Any]) -> TensorHeader:
    start, stop = (int(at) for at in entry["data_offsets"])
    return TensorHeader(str(entry["dtype"]), tuple(int(size) for size in entry["shape"]), start, stop)


def _starts_with(file: Path, start: bytes) -> bool:
    with file.open("rb") as data:
        return data.read(len(start)) == start
