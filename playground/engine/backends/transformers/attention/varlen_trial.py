"""Tests whether a model's ragged batches run correctly without masks, on its device and in all its layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from playground.engine.backends.base import first_line
from playground.engine.backends.transformers.attention.varlen import Kernel, Ragged, find_kernel, packing

Forward = Callable[[Tensor, Tensor, Ragged, DynamicCache], Tensor]  # takes token ids and their positions
DTYPES = (torch.float16, torch.bfloat16)
# For normal values 16 bits are off by up to 0.02; one key too many or too few, by tenths.
NOISE = 0.05
# Real tokens of two rows, forward by forward: joint prefills, decode, drafts.
FORWARDS = ((3, 5), (1, 1), (2, 2))


class KernelMismatch(Exception):
    """The kernel ran but its result differs from plain attention."""


class VerifyingKernel:
    """A `Kernel` that runs another one on random numbers instead of a layer's own, and raises `KernelMismatch` if its
    result differs from plain attention."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def __call__(
        self, query: Tensor, key: Tensor, value: Tensor, queries: Tensor, keys: Tensor, *most: int, **options: Any
    ) -> Tensor:
        """See `varlen.Kernel`."""
        query, key, value = (_random_like(states, seed) for seed, states in enumerate((query, key, value)))
        output = self._kernel(query, key, value, queries, keys, *most, **options)
        expected = plain(query, key, value, queries.tolist(), keys.tolist(), options["scale"])
        off = float((output.float() - expected).abs().max())
        if output.shape != expected.shape or not off <= NOISE:
            raise KernelMismatch(f"it is {off:.2g} off plain attention")
        return output


def working_kernel(decoder: Forward, device: torch.device, dtype: torch.dtype) -> tuple[Kernel | None, str]:
    """The kernel for ragged batches of this model, or why there is none; tried by forwards of two rows."""
    if dtype not in DTYPES:
        return None, "it takes float16 and bfloat16 only"
    try:
        kernel = find_kernel()
        _run(decoder, device, VerifyingKernel(kernel))
    except Exception as error:  # whatever it is, masks still work
        return None, first_line(error)
    return kernel, ""


@torch.inference_mode()
def _run(decoder: Forward, device: torch.device, kernel: Kernel) -> None:
    cache, lengths = DynamicCache(), [0] * len(FORWARDS[0])
    for counts in FORWARDS:
        lengths = [length + count for length, count in zip(lengths, counts, strict=True)]
        width = max(counts)
        at = [[max(0, place) for place in range(length - width, length)] for length in lengths]
        positions = torch.tensor(at, device=device)
        mask = Ragged(packing(counts, device), packing(lengths, device), kernel)
        decoder(positions, positions, mask, cache)  # any token ids will do


def plain(
    query: Tensor, key: Tensor, value: Tensor, queries: Sequence[int], keys: Sequence[int], scale: float | None
) -> Tensor:
    """Attention row by row in float32, all scores materialised; the last query of a row sees all of its keys."""
    groups = query.shape[1] // key.shape[1]
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    parts = []
    for row in range(len(queries) - 1):
        own = slice(keys[row], keys[row + 1])
        q = query[queries[row] : queries[row + 1]].float().transpose(0, 1)
        k, v = (states[own].float().repeat_interleave(groups, 1).transpose(0, 1) for states in (key, value))
        scores = q @ k.transpose(1, 2) * scale
        hidden = torch.ones_like(scores, dtype=torch.bool).triu(k.shape[1] - q.shape[1] + 1)
        parts.append((scores.masked_fill(hidden, -torch.inf).softmax(-1) @ v).transpose(0, 1))
    return torch.cat(parts)


def _random_like(like: Tensor, seed: int) -> Tensor:
    generator = torch.Generator(like.device).manual_seed(seed)
    return torch.randn(like.shape, generator=generator, dtype=torch.float32, device=like.device).to(like.dtype)
