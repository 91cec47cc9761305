"""Read the weights of a checkpoint into a model: only if they fit, with progress, and never with made-up tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel
from transformers.utils import logging as transformers_logging

from playground.engine.backends.base import Cancelled, EngineError, Progress
from playground.engine.backends.transformers.architecture import caps_scores
from playground.engine.checkpoint.checkpoint import Checkpoint
from playground.engine.memory import available
from playground.engine.memory_fault import is_memory_fault
from playground.protocol.fault import LOOK, error_line
from playground.text.sizes import format_bytes

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
# Whether this CPU has instructions for them.
NATIVE: dict[torch.dtype, Callable[[], bool]] = {
    torch.bfloat16: lambda: torch.ops.mkldnn._is_mkldnn_bf16_supported(),
    torch.float16: lambda: torch.ops.mkldnn._is_mkldnn_fp16_supported(),
}
WEIGHT_BYTES = {"model": 1.0, "int8": 0.55, "nf4": 0.35}


def choose_dtype(
    asked: str, checkpoint: Checkpoint, config: Any, device: torch.device
) -> tuple[torch.dtype | str, str]:
    """The dtype to compute in, or transformers' "auto", and why it is not the checkpoint's. `auto` means the
    checkpoint's, except on a CPU that only imitates 16 bits: there it is float32 if that fits, since products of
    several rows take many times as long in 16 bits."""
    if asked != "auto":
        return DTYPES[asked], ""
    stored = getattr(config, "dtype", None)
    if device.type != "cpu" or stored not in NATIVE or not torch.backends.mkldnn.is_available() or NATIVE[stored]():
        return "auto", ""
    free = available(device)
    if free is not None and _size(checkpoint, config, torch.float32) > free:
        return "auto", ""
    return torch.float32, f"this CPU only imitates {str(stored).removeprefix('torch.')}: float32 is quicker"


def check_room(
    checkpoint: Checkpoint, config: Any, dtype: torch.dtype | str, weights: str, device: torch.device
) -> None:
    """Raises `EngineError` if the weights do not fit, naming the dtype or kind of weights that would."""
    size = _size(checkpoint, config, dtype)
    needed, free = int(size * WEIGHT_BYTES.get(weights, 1.0)), available(device)
    if free is not None and needed > free:
        fits = ["dtype=auto"] if checkpoint.weight_bytes < min(free, size) else []
        fits += [f"weights={kind}" for kind, share in WEIGHT_BYTES.items() if size * share < free]
        advice = f"{fits[0]} would fit" if fits else "choose a smaller checkpoint"
        raise EngineError(f"the weights need {format_bytes(needed)} and {format_bytes(free)} are free", advice)


def _size(checkpoint: Checkpoint, config: Any, dtype: torch.dtype | str) -> int:
    if isinstance(dtype, str):
        return checkpoint.weight_bytes
    return checkpoint.weight_bytes * dtype.itemsize // (getattr(config, "dtype", None) or torch.float32).itemsize


def read_weights(
    checkpoint: Checkpoint,
    config: Any,
    dtype: torch.dtype | str,
    trust_remote_code: bool,
    progress: Progress,
) -> tuple[PreTrainedModel, str]:
    """The model, and a note on tensors in the file that it has no place for."""
    with _reported(progress):
        try:
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                checkpoint.path,
                config=config,
                dtype=dtype,
                attn_implementation="eager" if caps_scores(config) else None,
                use_safetensors=checkpoint.safetensors,
                trust_remote_code=trust_remote_code,
                ignore_mismatched_sizes=True,  # mismatches are reported by name below
                output_loading_info=True,  # returns a pair, which its annotation leaves out
            )
        except Cancelled:
            raise
        except Exception as error:
            if is_memory_fault(error):
                raise
            raise EngineError(
                f"the weights of {checkpoint.name} cannot be loaded: {error_line(error)}", LOOK
            ) from error
    model, info = loaded
    _refuse_made_up(checkpoint, info)
    return model.eval().requires_grad_(False), _unexpected(info)


def _refuse_made_up(checkpoint: Checkpoint, info: dict[str, Any]) -> None:
    """Raises `EngineError` where transformers would fill what a file lacks with random numbers."""
    for name, found, wanted in sorted(info["mismatched_keys"]):
        raise EngineError(
            f"{name} of {checkpoint.name} has shape {list(found)}, and config.json asks for {list(wanted)}",
            "config and weights are not of one model: fetch both again",
        )
    if missing := sorted(info["missing_keys"]):
        raise EngineError(
            f"the weights of {checkpoint.name} lack {len(missing)} of the tensors in its config, such as {missing[0]}",
            "config and weights are not of one model: fetch both again",
        )


def _unexpected(info: dict[str, Any]) -> str:
    left = sorted(info["unexpected_keys"])
    return f"left out, since the config has no place for them: {len(left)} tensors such as {left[0]}" if left else ""


@contextmanager
def _reported(progress: Progress) -> Iterator[None]:
    """Turn the progress bars of transformers into progress events; at each one the load can be cancelled."""
    progress("weights")
    before = transformers_logging.set_tqdm_hook(lambda factory, args, kwargs: _ProgressBar(progress, *args, **kwargs))
    try:
        yield
    finally:
        transformers_logging.set_tqdm_hook(before)


class _ProgressBar:
    """Takes the place of tqdm: reports instead of drawing."""

    def __init__(self, progress: Progress, iterable: Any = None, total: int | None = None, **_: Any) -> None:
        self._progress, self._iterable, self._done = progress, iterable, 0
        self._total = total or (len(iterable) if hasattr(iterable, "__len__") else 0)
        self._last = 0.0

    def __iter__(self) -> Iterator[Any]:
        for item in self._iterable:
            yield item
            self.update()

    def update(self, count: int = 1) -> None:
        self._done += count
        if perf_counter() - self._last > 0.05 or self._done == self._total:
            self._last = perf_counter()
            self._progress("weights", self._done, self._total)

    def __enter__(self) -> _ProgressBar:
        return self

    def __exit__(self, *_: object) -> None: ...

    def __getattr__(self, _: str) -> Any:
        return lambda *args, **kwargs: None
