"""Compiled attention over a quantized KV cache as it is stored: nothing is unpacked into memory. For decoding rows on a
CPU; see `native/codes_attention.cpp`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ctypes import Structure, byref, c_bool, c_float, c_int, c_long, c_void_p
from functools import cache
from itertools import accumulate

import torch
from torch import Tensor

from playground.engine.backends.base import first_line
from playground.engine.backends.transformers.kv.shape import KVShape
from playground.engine.backends.transformers.kv.states import QuantizedStates
from playground.engine.backends.transformers.native.library import load
from playground.protocol.dtypes import CODE_BITS

FUSED = "fused-dequant"
KINDS = ("fp8", "int8", "int4", "int2")
DTYPES = (torch.float32, torch.bfloat16)
# Codes are read this many bytes at a time.
BYTES = 16


class Layer(Structure):
    """The struct of `native/codes.h`."""

    _fields_ = (
        *((name, c_void_p) for name in ("keys", "key_steps", "key_lows", "values", "value_steps", "value_lows")),
        *((name, c_void_p) for name in ("key_tails", "value_tails")),
        *((name, c_long) for name in ("key_stride", "value_stride", "value_step_stride", "heads", "dim", "size")),
    )


class Rows(Structure):
    """The struct of `native/codes.h`. For each row of a step: its sealed blocks, where its tail begins, and how many
    tokens that holds."""

    _fields_ = (*((name, c_void_p) for name in ("blocks", "begins", "tails", "opens")), ("count", c_long))

    def __init__(self, sealed: Sequence[Sequence[int]], tails: Sequence[int], opens: Sequence[int]) -> None:
        begins = accumulate(map(len, sealed), initial=0)
        blocks = [block for own in sealed for block in own]
        self._kept = [torch.tensor(numbers, dtype=torch.long) for numbers in (blocks, list(begins), tails, opens)]
        super().__init__(*(numbers.data_ptr() for numbers in self._kept), len(sealed))


def why_unpacked(kind: str, shape: KVShape, device: torch.device) -> str:
    """Why codes of this kind have to be unpacked; empty if attention reads them as they are."""
    if device.type != "cpu":
        return "only a CPU reads codes as they are stored"
    if shape.dtype not in DTYPES:
        return f"no kernel reads codes beside {str(shape.dtype).removeprefix('torch.')}"
    for keys, values in sorted(shape.head_dims):
        if keys != values or keys * CODE_BITS[kind] % (8 * BYTES):
            return f"a head of {keys} numbers does not fill whole vectors with {kind} codes"
    return ""


def attend_codes(keys: QuantizedStates, values: QuantizedStates, rows: Rows, queries: Tensor, scale: float) -> Tensor:
    """Attention of queries [B, Hq, q, D], of each row's newest tokens, over what is stored up to each; returns [B, q,
    Hq, D]. Raises `TypeError` for queries of another dtype, since memory is read without conversion."""
    if {queries.dtype, values.tails.dtype} != {keys.tails.dtype}:
        raise TypeError(f"queries must be {keys.tails.dtype} as the tails are, not {queries.dtype}")
    queries = queries.contiguous()
    out = torch.empty_like(queries)
    newest, layer = queries.shape[2], _layer(keys, values)
    groups = queries.shape[1] // keys.tails.shape[1] * newest
    brain, threads = queries.dtype == torch.bfloat16, torch.get_num_threads()
    at = queries.data_ptr(), out.data_ptr()
    compiled_attention()(byref(layer), byref(rows), *at, groups, newest, scale, KINDS.index(keys.kind), brain, threads)
    return out.transpose(1, 2)


def why_missing() -> str:
    """Why it cannot be compiled here; empty if it can. Takes seconds the first time."""
    try:
        compiled_attention()
    except (RuntimeError, OSError) as error:  # a compiler without the vector extensions of g++ and clang
        return first_line(error)
    return ""


@cache
def compiled_attention() -> Callable[..., None]:
    """`attend` of the C++ source, with its argument types."""
    attend = load("codes_attention.cpp").attend
    attend.argtypes = [*[c_void_p] * 4, c_long, c_long, c_float, c_int, c_bool, c_int]
    attend.restype = None
    return attend


def _layer(keys: QuantizedStates, values: QuantizedStates) -> Layer:
    heads, dim = keys.tails.shape[1:]
    codes, *affine = values.parts
    at, strides = _pointers(values.parts), (dim, torch.float16.itemsize)
    if not affine:  # steps and smallest values are in the trailer of a row, see `packed_rows`
        trailer, stride = codes.data_ptr() + dim * values.bits // 8, codes.shape[-1]
        at, strides = [codes.data_ptr(), trailer, trailer + 2], (stride, stride)
    tails = keys.tails.data_ptr(), values.tails.data_ptr()
    return Layer(*_pointers(keys.parts), *at, *tails, keys.parts[0][0].nbytes, *strides, heads, dim, keys.size)


def _pointers(parts: Sequence[Tensor]) -> list[int | None]:
    """Addresses of codes, steps and smallest values; None for those that are missing."""
    at: list[int | None] = [part.data_ptr() for part in parts]
    return at + [None] * (3 - len(at))
