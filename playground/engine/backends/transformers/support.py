"""Which toggle values the transformers engine offers here, and why not for the others."""

from __future__ import annotations

import torch

from playground.engine import capabilities
from playground.engine.backends.transformers.attention.attention import AttentionSwitch
from playground.engine.backends.transformers.compile.compiler import why_not_compiled
from playground.engine.backends.transformers.weights.weights import WeightSwitch
from playground.engine.capabilities import missing_package
from playground.protocol.conflicts import Conflict

CONFLICTS = (
    *capabilities.CONFLICTS,
    Conflict(
        "compile", "on", "weights", "int8", "LLM.int8() looks for outliers in every layer, which breaks the graph"
    ),
    Conflict("compile", "on", "weights", "nf4", "bitsandbytes' 4-bit kernels run outside the compiler"),
    Conflict("compile", "on", "adapter", "PATH", "an adapter changes the layers that were compiled"),
)


def why_not(name: str, value: str, attention: AttentionSwitch | None, weights: WeightSwitch | None) -> str:
    """Why `name=value` is unavailable; empty if it is available. `attention` and `weights` belong to the loaded
    model."""
    if name == "weights" and value == "fp8":
        return "only vLLM computes with fp8 weights"
    if name == "weights" and value != "model":
        return missing_package("bitsandbytes") or (weights.why_not if weights else "")
    if name == "adapter" and value != "off":
        return missing_package("peft")
    if name == "compile" and value == "on":
        return why_not_compiled(attention.device if attention else torch.device("cpu"))
    if name == "attention" and attention:
        return attention.why_not(value)
    if name == "device":
        return _why_not_device(value)
    return ""


def _why_not_device(value: str) -> str:
    if value.startswith("cuda") and not torch.cuda.is_available():
        return "PyTorch sees no NVIDIA GPU"
    if value == "mps" and not torch.backends.mps.is_available():
        return "PyTorch sees no Apple GPU"
    return ""
