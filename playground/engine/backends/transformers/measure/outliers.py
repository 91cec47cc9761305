"""Which input columns of which linear layers hold large values, from one real forward."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from playground.engine.backends.base import EngineError
from playground.protocol.measurements import LayerColumns


def measure_outliers(model: PreTrainedModel, ids: list[int], columns: int) -> list[LayerColumns]:
    """The largest input columns of every linear layer but the output head; layers that share an input are listed once,
    under the name of the first. Raises `EngineError` at NaN or Inf."""
    if columns < 1:
        raise EngineError(f"the number of columns to name is from 1, not {columns}")
    found: dict[str, LayerColumns] = {}
    seen: dict[int, Tensor] = {}
    head = model.get_output_embeddings()
    layers = [(name, module) for name, module in model.named_modules() if _is_linear(module) and module is not head]
    handles = [module.register_forward_hook(partial(_watch, name, columns, found, seen)) for name, module in layers]
    try:
        with torch.inference_mode():
            model(input_ids=torch.tensor([ids], device=model.device), use_cache=False)
    finally:
        for handle in handles:
            handle.remove()
    return list(found.values())


def _is_linear(module: nn.Module) -> bool:
    """Whether the module is a linear layer; those of bitsandbytes are `nn.Linear` too."""
    return isinstance(module, nn.Linear | Conv1D)


def _watch(
    name: str,
    columns: int,
    found: dict[str, LayerColumns],
    seen: dict[int, Tensor],
    module: nn.Module,
    inputs: tuple[Any, ...],
    _: Any,
) -> None:
    states: Tensor = inputs[0]
    if id(states) in seen:
        return
    seen[id(states)] = states  # kept alive, so that no other tensor gets its id
    peaks = states.detach().abs().flatten(0, -2).amax(0).float()
    if not peaks.isfinite().all():
        raise EngineError(f"the input of {name} holds NaN or Inf", "try dtype=float32")
    top = peaks.topk(min(columns, len(peaks)))
    found[name] = LayerColumns(
        name=name,
        width=len(peaks),
        columns=top.indices.tolist(),
        peaks=top.values.tolist(),
        median=float(peaks.median()),
        taken=_taken(module),
    )


def _taken(module: nn.Module) -> list[int] | None:
    """The outlier columns that bitsandbytes kept from this forward; with threshold 0 there are none."""
    state = getattr(module, "state", None)
    if state is None or not hasattr(state, "idx"):
        return None
    return [] if state.idx is None else sorted(state.idx.tolist())
