"""The weights of the linear layers, switched in place: as loaded, LLM.int8(), or nf4. The originals are kept."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from playground.engine.backends.base import EngineError, Progress
from playground.engine.backends.transformers.weights.bitsandbytes import is_of_bitsandbytes, load_bitsandbytes
from playground.engine.backends.transformers.weights.exchangeable import exchangeable, what_stays
from playground.engine.backends.transformers.weights.packed_linear import Packed
from playground.engine.memory import available

if TYPE_CHECKING:
    from bitsandbytes.nn.modules import Linear4bit

KEEP_COPY_SHARE = 0.5
# Tiles of bitsandbytes' nf4 kernel for CPUs.
NF4_INPUTS, NF4_OUTPUTS = 64, 32

# bitsandbytes warns in every layer of every forward when activations are not float16.
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)


class WeightSwitch:
    """The `exchangeable` layers of a model, in the current kind of weights. `why_not`: why it has to be the model's.

    Made while the model is still in host memory. The originals stay there: pages of the mapped checkpoint, which the
    system can drop and read again; a GPU only holds what computes. A converted copy is kept, on the host too, while it
    takes less than `KEEP_COPY_SHARE` of free memory, so that switching again is quick; switching back is exact.
    """

    def __init__(self, model: PreTrainedModel, device: torch.device) -> None:
        self._model, self._device = model, device
        self.why_not = "the checkpoint's weights are quantized already" if getattr(model, "is_quantized", False) else ""
        self._originals = exchangeable(model)
        self._stays = what_stays(model, self._originals)
        self._paths = list(self._originals)
        self._host = {path: [each.data for each in layer.parameters()] for path, layer in self._originals.items()}
        self._copies: dict[str, dict[str, nn.Module]] = {}
        self.kind = "model"

    def switch(self, kind: str, threshold: float, progress: Progress) -> None:
        """Convert layer by layer; a fault or a cancel puts every layer back."""
        if kind == self.kind:
            return
        if reason := self.why_not or ("" if self._paths else "this model has no linear layers"):
            raise EngineError(f"weights={kind} is not possible: {reason}", "keep weights=model")
        before = {path: self._model.get_submodule(path) for path in self._paths}
        modules: dict[str, nn.Module] = {}
        try:
            for done, path in enumerate(self._paths):
                modules[path] = self._module(kind, path, threshold)
                self._enter(path, modules[path])
                self._leave(path, before[path])
                progress("converting", done + 1, len(self._paths), f"weights {self.kind} to {kind}")
        except BaseException:
            for path, module in modules.items():
                self._leave(path, module)
                self._enter(path, before[path])
            raise
        self._keep(kind, modules)
        self.kind = kind
        self.set_threshold(threshold)

    def set_threshold(self, threshold: float) -> None:
        """Set the outlier threshold of LLM.int8() from the next forward on; 0 turns the decomposition off."""
        for module in self._model.modules():
            if is_of_bitsandbytes(module, "Linear8bitLt"):
                module.state.threshold = threshold
                module.state.idx = None

    @property
    def reason(self) -> str:
        """What share of the weights the current kind is; empty if it is nearly all of them."""
        return "" if self.kind == "model" else self._stays

    @property
    def bytes(self) -> int:
        """Bytes of all weights in use, including codes and scales; shared tensors count once."""
        return weight_bytes(self._model)

    def _module(self, kind: str, path: str, threshold: float) -> nn.Module:
        if kind == "model":
            return self._originals[path]
        if kind in self._copies:
            return self._copies[kind][path]
        weight, bias = _weight_of(self._originals[path])
        if kind == "int8":
            return int8_layer(weight, bias, threshold, self._device)
        return nf4_layer(weight, bias, self._model.dtype, self._device)

    def _enter(self, path: str, module: nn.Module) -> None:
        """Put the module into the model, on its device."""
        if module is self._originals[path]:
            for parameter in module.parameters():
                parameter.data = parameter.data.to(self._device)
        else:
            _move(module, self._device)
        self._model.set_submodule(path, module)

    def _leave(self, path: str, module: nn.Module) -> None:
        """Move the module off the GPU."""
        if module is not self._originals[path]:
            _move(module, torch.device("cpu") if self._device.type == "cuda" else self._device)
            return
        for parameter, waiting in zip(module.parameters(), self._host[path], strict=True):
            parameter.data = waiting

    def _keep(self, kind: str, modules: dict[str, nn.Module]) -> None:
        if kind == "model" or kind in self._copies:
            return
        size = sum(tensor.nbytes for module in modules.values() for tensor in _tensors(module))
        free = available(torch.device("cpu"))
        if free is None or size < free * KEEP_COPY_SHARE:
            self._copies[kind] = modules


def _move(module: nn.Module, device: torch.device) -> None:
    module.to(device)
    if is_of_bitsandbytes(module, "Linear8bitLt"):
        module.weight.data = module.state.CB  # moved separately, they would be duplicated


def weight_bytes(model: nn.Module) -> int:
    """Bytes of a model's parameters, buffers and quantization state, each storage counted once. A packed layer counts
    its packed weight, not the original kept beside it."""
    packed = sum(module.packed_bytes for module in model.modules() if isinstance(module, Packed))
    return packed + sum({tensor.data_ptr(): tensor.nbytes for tensor in _tensors(model)}.values())


def _tensors(model: nn.Module) -> Iterator[Tensor]:
    for module in model.modules():
        if isinstance(module, Packed):
            yield from () if module.bias is None else (module.bias,)
            continue
        yield from module.parameters(recurse=False)
        yield from module.buffers(recurse=False)
        if is_of_bitsandbytes(module, "Linear8bitLt"):
            yield from (t for t in (module.weight.SCB, module.state.SCB) if t is not None)
        elif is_of_bitsandbytes(module, "Linear4bit") and module.weight.quant_state is not None:
            yield module.weight.quant_state.absmax


def _weight_of(module: nn.Linear | Conv1D) -> tuple[Tensor, nn.Parameter | None]:
    """Weight [out, in] of a linear layer on its current device, and its bias as a separate parameter. GPT-2's Conv1D
    stores its weight transposed."""
    bias = None if module.bias is None else nn.Parameter(module.bias.data, requires_grad=False)
    return (module.weight.T if isinstance(module, Conv1D) else module.weight).data.contiguous(), bias


def int8_layer(weight: Tensor, bias: nn.Parameter | None, threshold: float, device: torch.device) -> nn.Module:
    bnb, (outputs, inputs) = load_bitsandbytes(), weight.shape
    from playground.engine.backends.transformers.weights.int8_linear import (
        Int8Linear,  # derives from bitsandbytes' class
    )

    layer = Int8Linear(inputs, outputs, bias is not None, has_fp16_weights=False, threshold=threshold, device="meta")
    codes, scales, _ = bnb.functional.int8_vectorwise_quant(weight.to(device, torch.float16))
    layer.weight = bnb.nn.Int8Params(codes, requires_grad=False, CB=codes, SCB=scales)
    layer.init_8bit_state()
    if bias is not None:
        layer.bias = bias
    return layer.eval()


def nf4_layer(weight: Tensor, bias: nn.Parameter | None, dtype: torch.dtype, device: torch.device) -> nn.Module:
    bnb, (outputs, inputs) = load_bitsandbytes(), weight.shape
    kind: type[Linear4bit] = bnb.nn.Linear4bit
    layer = kind(inputs, outputs, bias is not None, compute_dtype=dtype, quant_type="nf4", device="meta")
    # Its kernel for CPUs with bfloat16 only computes in that, and only on whole tiles.
    fits = dtype == torch.bfloat16 and inputs % NF4_INPUTS == 0 and outputs % NF4_OUTPUTS == 0
    layer.support_avx512bf16_for_cpu = layer.support_avx512bf16_for_cpu and fits
    layer.weight = bnb.nn.Params4bit(weight.to(dtype), requires_grad=False, quant_type="nf4", module=layer).to(device)
    if bias is not None:
        layer.bias = bias
    layer.eval()
    if layer.support_avx512bf16_for_cpu and device.type == "cpu":
        layer(torch.zeros(1, inputs, dtype=dtype))  # otherwise its first step would repack the weight
    return layer
