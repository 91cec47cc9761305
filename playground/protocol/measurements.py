"""What measurements of a loaded model return: attention calls beside the device's ceilings, and input columns."""

from __future__ import annotations

from typing import Literal

import msgspec


class Ceilings(msgspec.Struct, frozen=True, kw_only=True):
    """Peak rates measured on this device: a square matrix product in `dtype` (the model's, or float32 if a CPU is
    faster in it) and a memory copy. `threads`: CPU threads used for both."""

    flops_per_second: float
    bytes_per_second: float
    dtype: str = ""
    threads: int = 0


class HeadShape(msgspec.Struct, frozen=True, kw_only=True):
    """One layer's attention: query heads, key-value heads, their dimension, and bytes of a number in the cache."""

    heads: int
    kv_heads: int
    head_dim: int
    itemsize: int


class AttentionPoint(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One kernel at one length: the median of `repeats` calls with their extremes in seconds, and the most bytes that
    a call allocates on top of its inputs. `flops` and `bytes` are what the task needs at least, whatever the kernel
    does; `ran` is the kernel that really ran. `fault`: why there are no numbers."""

    kernel: str
    phase: Literal["prefill", "decode"]
    length: int
    ran: str = ""
    seconds: float = 0.0
    fastest_s: float = 0.0
    slowest_s: float = 0.0
    peak_bytes: int | None = None
    flops: float = 0.0
    bytes: float = 0.0
    fault: str = ""


class LayerColumns(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The input of one linear layer, and of those that read the same input: of its `width` columns, the `columns` with
    the largest magnitudes `peaks` over all prompt tokens, largest first. Under int8, `taken`: columns that bitsandbytes
    computed in 16 bit; None where it did not compute."""

    name: str
    width: int
    columns: list[int]
    peaks: list[float]
    median: float
    taken: list[int] | None = None
