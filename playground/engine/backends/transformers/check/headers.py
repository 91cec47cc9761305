"""Headers of the safetensors files: bytes, names and dtypes, before any tensor is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

from playground.engine.backends.base import Progress
from playground.engine.checkpoint.checkpoint import Checkpoint
from playground.engine.checkpoint.safetensors_header import TensorHeader, read_header
from playground.protocol.events import CheckFinding

Headers = Mapping[Path, dict[str, TensorHeader]]
CODES = ("I8", "U8")
FLOATS = ("F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2")


def check_headers(checkpoint: Checkpoint, progress: Progress) -> Iterator[CheckFinding]:
    """Whether bytes and shapes agree, no name occurs twice, and all floats have one dtype."""
    if not checkpoint.safetensors:
        yield CheckFinding(
            name="headers",
            verdict="warn",
            evidence="pickled weights have none; nothing was read",
            advice="convert the weights to safetensors",
        )
        return
    headers = {file: read_header(file) for file in checkpoint.weights}
    yield _check_tensors(headers)
    yield _check_dtypes(headers, "quantization_config" in checkpoint.config)


def _check_tensors(headers: Headers) -> CheckFinding:
    tensors = [(file, name, tensor) for file, header in headers.items() for name, tensor in header.items()]
    wrong = [f"{name} in {file.name}" for file, name, tensor in tensors if not tensor.fits]
    wrong += [f"{name} overlaps in {file.name}" for file, header in headers.items() for name in _overlapping(header)]
    wrong += [f"{name} twice" for name, count in Counter(name for _, name, _ in tensors).items() if count > 1]
    return CheckFinding(
        name="headers",
        verdict="fail" if wrong else "pass",
        evidence=f"{len(wrong)} wrong, such as {wrong[0]}" if wrong else f"{len(tensors)} tensors",
        advice="fetch the checkpoint again" if wrong else "",
    )


def _check_dtypes(headers: Headers, quantized: bool) -> CheckFinding:
    dtypes = Counter(tensor.dtype for header in headers.values() for tensor in header.values())
    advice = _advice(dtypes, quantized)
    return CheckFinding(
        name="dtypes",
        verdict="warn" if advice else "pass",
        evidence=", ".join(f"{count} of {dtype}" for dtype, count in dtypes.most_common()),
        advice=advice,
    )


def _advice(dtypes: Counter[str], quantized: bool) -> str:
    if not quantized and any(dtype in CODES for dtype in dtypes):
        return "these are codes without a quantization_config that says what they stand for: they load as numbers"
    if len([dtype for dtype in dtypes if dtype in FLOATS]) > 1:
        return "dtype=auto loads them as config.json says; some lose or gain nothing by it"
    return ""


def _overlapping(header: dict[str, TensorHeader]) -> Iterator[str]:
    ordered = sorted(header.items(), key=lambda item: (item[1].start, item[1].stop))
    yield from (name for (_, before), (name, after) in pairwise(ordered) if after.start < before.stop)
