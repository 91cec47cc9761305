"""Values of the tensors, one at a time: NaN and Inf, all zero, duplicates."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter

import torch
from safetensors import safe_open
from torch import Tensor

from playground.engine.backends.base import Progress
from playground.engine.checkpoint.checkpoint import Checkpoint
from playground.protocol.events import CheckFinding, Verdict


def check_values(checkpoint: Checkpoint, progress: Progress) -> Iterator[CheckFinding]:
    """Read every tensor once. Vectors may be equal or zero (norms, biases); matrices may not."""
    if not checkpoint.safetensors:
        return
    broken, zero, digests = [], [], []
    for name, tensor in _tensors(checkpoint, progress):
        if tensor.is_floating_point() and not _finite(tensor):
            broken.append(name)
        if tensor.ndim > 1 and tensor.numel() > 1:
            if not tensor.view(torch.uint8).any():
                zero.append(name)
            else:
                digests.append((_digest(tensor), name))
    yield finding("NaN or Inf", broken, "fail", "the weights are broken: train or fetch them again")
    yield finding("all-zero matrices", zero, "warn", "meant only where a layer was pruned or is new")
    same = [[name for _, name in group] for _, group in groupby(sorted(digests), key=itemgetter(0))]
    twice = [" = ".join(names) for names in same if len(names) > 1]
    yield finding("duplicated tensors", twice, "warn", "meant only where weights are tied or layers were copied")


def finding(name: str, found: list[str], verdict: Verdict, advice: str) -> CheckFinding:
    """`verdict` if anything was found, with the first two."""
    if not found:
        return CheckFinding(name=name, verdict="pass", evidence="none")
    return CheckFinding(name=name, verdict=verdict, evidence=f"{len(found)}: {', '.join(found[:2])}", advice=advice)


def _tensors(checkpoint: Checkpoint, progress: Progress) -> Iterator[tuple[str, Tensor]]:
    for file in checkpoint.weights:
        with safe_open(file, framework="pt") as data:
            names = list(data.keys())
            for number, name in enumerate(names):
                progress("checking", number, len(names), f"values in {file.name}")
                yield name, data.get_tensor(name)


def _finite(tensor: Tensor) -> bool:
    """8-bit dtypes have no `isfinite` of their own."""
    return bool(torch.isfinite(tensor if tensor.itemsize > 1 else tensor.float()).all())


def _digest(tensor: Tensor) -> bytes:
    return hashlib.blake2b(tensor.contiguous().view(torch.uint8).numpy().data, digest_size=16).digest() + bytes(
        str(tuple(tensor.shape)), "ascii"
    )
