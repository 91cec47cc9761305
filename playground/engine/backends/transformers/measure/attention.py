"""Time and memory of one attention call with a model's head shapes, by kernel and length."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import product
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import sdpa_kernel
from torch.profiler import ProfilerActivity, profile
from transformers.models.llama.modeling_llama import eager_attention_forward

from playground.engine import attention_cost
from playground.engine.backends.base import Emit, EngineError
from playground.engine.backends.transformers.attention.attention import SDPA_BACKENDS
from playground.engine.backends.transformers.attention.grouped_sdpa import grouped_sdpa
from playground.engine.backends.transformers.attention.kernel_watch import KernelWatch
from playground.engine.backends.transformers.measure.ceilings import measure_ceilings, sample
from playground.engine.checkpoint.heads import heads_by_layer
from playground.engine.memory import available
from playground.protocol.commands import MeasureAttention
from playground.protocol.events import AttentionMeasured
from playground.protocol.measurements import AttentionPoint, HeadShape
from playground.text.sizes import format_bytes

POINT_SECONDS = 3.0
MEMORY_SHARE = 0.5
PHASES = ("prefill", "decode")


@dataclass(frozen=True)
class Bench:
    """What all points share. `check` raises `Cancelled` once a stop is requested."""

    shape: HeadShape
    device: torch.device
    dtype: torch.dtype
    check: Callable[[], None]

    def point(self, kernel: str, phase: str, length: int, repeats: int) -> AttentionPoint:
        """Measure one kernel at one length; `fault` says why one cannot run."""
        queries = length if phase == "prefill" else 1
        known: dict[str, Any] = {
            "kernel": kernel,
            "phase": phase,
            "length": length,
            "flops": attention_cost.flops(self.shape, queries, length),
            "bytes": attention_cost.moved_bytes(self.shape, queries, length),
        }
        if fault := self._too_large(kernel, queries, length):
            return AttentionPoint(fault=fault, **known)
        call = self._call(kernel, queries, length)
        with sdpa_kernel(SDPA_BACKENDS[kernel]) if kernel in SDPA_BACKENDS else nullcontext():
            with KernelWatch() as watch:
                call()
            seconds = sample(call, self.device, self.check, repeats, POINT_SECONDS)
            peak = peak_bytes(call, self.device)
        return AttentionPoint(
            ran=watch.kernel(kernel == "eager"),
            seconds=median(seconds),
            fastest_s=min(seconds),
            slowest_s=max(seconds),
            peak_bytes=peak,
            **known,
        )

    def _too_large(self, kernel: str, queries: int, keys: int) -> str:
        """Why this point has no room; empty if it has."""
        needs = {"queries, keys and values": int(attention_cost.moved_bytes(self.shape, queries, keys))}
        if kernel != "sdpa-flash":
            needs = {"scores": attention_cost.score_bytes(self.shape, queries, keys)} | needs
        free = available(self.device)
        return next(
            (
                f"its {what} need {format_bytes(needed)}, more than half of the {format_bytes(free)} that are free"
                for what, needed in needs.items()
                if free and needed > MEMORY_SHARE * free
            ),
            "",
        )

    def _call(self, kernel: str, queries: int, keys: int) -> Callable[[], Tensor]:
        """The call as the engine makes it. The causal mask for eager is made beforehand, as a model makes it once for
        all layers."""
        shape = self.shape
        query = self._random(shape.heads, queries)
        key, value = self._random(shape.kv_heads, keys), self._random(shape.kv_heads, keys)
        module: Any = nn.Module().eval()
        module.num_key_value_groups = shape.heads // shape.kv_heads
        scaling = shape.head_dim**-0.5
        if kernel == "eager":
            mask = torch.full((queries, keys), torch.finfo(self.dtype).min, dtype=self.dtype, device=self.device)
            mask = mask.triu(keys - queries + 1)[None, None]
            return lambda: eager_attention_forward(module, query, key, value, mask, scaling=scaling)[0]
        return lambda: grouped_sdpa(module, query, key, value, None, scaling=scaling)[0]

    def _random(self, heads: int, length: int) -> Tensor:
        return torch.randn(1, heads, length, self.shape.head_dim, device=self.device).to(self.dtype)


def measure(command: MeasureAttention, model: Any, device: torch.device, emit: Emit, check: Callable[[], None]) -> None:
    """Emit an `AttentionMeasured` per point, shortest length first; `check` may raise to stop it."""
    _refuse(command)
    bench = Bench(head_shape(model), device, model.dtype, check)
    with torch.inference_mode():
        ceilings = measure_ceilings(device, model.dtype, check)
        emits = partial(AttentionMeasured, shape=bench.shape, ceilings=ceilings)
        total = len(command.lengths) * len(PHASES) * len(command.kernels)
        emit(emits(points=[], done=0, total=total))
        for done, (length, phase, kernel) in enumerate(
            product(sorted(command.lengths), PHASES, command.kernels), start=1
        ):
            check()
            emit(emits(points=[bench.point(kernel, phase, length, command.repeats)], done=done, total=total))


def head_shape(model: Any) -> HeadShape:
    """The head shape that all layers share, from the config; raises `EngineError` where there is none."""
    name, kinds = type(model).__name__, set(heads_by_layer(model.config))
    if not kinds or getattr(model.config.get_text_config(), "kv_lora_rank", None):
        raise EngineError(
            f"{name} has no plain attention heads", "models with keys and values per head can be measured"
        )
    if len(kinds) > 1:
        raise EngineError(f"the attention heads of {name} differ by layer", "models whose layers agree can be measured")
    (heads,) = kinds
    return HeadShape(heads=heads.queries, kv_heads=heads.keys, head_dim=heads.width, itemsize=model.dtype.itemsize)


def peak_bytes(call: Callable[[], object], device: torch.device) -> int | None:
    """The most bytes that one call has allocated at any time, by PyTorch's allocators; None where they do not report
    it."""
    if device.type == "cuda":
        before = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        call()
        return torch.cuda.max_memory_allocated(device) - before
    if device.type != "cpu":
        return None
    with profile(profile_memory=True, activities=[ProfilerActivity.CPU]) as profiled:
        call()
    events = [event for event in profiled.profiler.kineto_results.events() if event.name() == "[memory]"]
    now = most = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        now += event.nbytes()
        most = max(most, now)
    return most


def _refuse(command: MeasureAttention) -> None:
    if not command.lengths or not command.kernels or min(command.lengths) < 1 or command.repeats < 1:
        raise EngineError("a kernel, a length and repeats from 1 are needed to measure attention")
