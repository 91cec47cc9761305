"""Load a checkpoint into a model and a tokenizer, stage by stage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.utils import logging as transformers_logging

from playground.engine.backends.base import EngineError, Progress
from playground.engine.backends.transformers.architecture import refuse_class, refuse_config
from playground.engine.backends.transformers.context import served_context, why_shorter
from playground.engine.backends.transformers.pretrained import check_room, choose_dtype, read_weights
from playground.engine.backends.transformers.weights.packed_linear import Packed, pack_weights
from playground.engine.checkpoint.checkpoint import Checkpoint
from playground.engine.checkpoint.config import not_followed, read_config, read_tokenizer
from playground.engine.checkpoint.tokenizer import Tokenizer
from playground.engine.threads import cores, is_small
from playground.protocol.options import EngineOptions


@dataclass
class LoadedModel:
    """A model in evaluation mode on its device, its tokenizer, the seconds of each stage, a note for the user, and why
    it does not compute in its checkpoint's dtype."""

    model: PreTrainedModel
    tokenizer: Tokenizer
    checkpoint: Checkpoint
    device: torch.device
    seconds: dict[str, float] = field(default_factory=dict)
    note: str = ""
    why_dtype: str = ""

    @property
    def context(self) -> int:
        """See `served_context`."""
        return served_context(self.model.config)


def load(checkpoint: Checkpoint, options: EngineOptions, trust_remote_code: bool, progress: Progress) -> LoadedModel:
    """Load config, tokenizer and weights. Raises `EngineError`; `progress` may raise `Cancelled`."""
    transformers_logging.set_verbosity_error()
    seconds: dict[str, float] = {}
    device = _device(options.device)
    with _timed(seconds, "config"):
        progress("config")
        config = read_config(checkpoint, trust_remote_code)
        refuse_config(config, trust_remote_code)
    with _timed(seconds, "tokenizer"):
        progress("tokenizer")
        tokenizer = read_tokenizer(checkpoint, config, trust_remote_code)
    with _timed(seconds, "weights"):
        dtype, why = choose_dtype(options.dtype, checkpoint, config, device)
        check_room(checkpoint, config, dtype, options.weights, device)
        model, note = read_weights(checkpoint, config, dtype, trust_remote_code, progress)
        refuse_class(type(model), config)
    small = is_small(sum(parameter.numel() for parameter in model.parameters()))
    torch.set_num_threads(1 if small else cores())
    if device.type == "cpu":
        with _timed(seconds, "converting"):
            pack_weights(model, progress)
        if small:
            transpose_weights(model)
    note = "; ".join(filter(None, (note, why_shorter(config), not_followed(checkpoint))))
    return LoadedModel(model, tokenizer, checkpoint, device, seconds, note, why)


def transpose_weights(model: PreTrainedModel) -> None:
    """Store float32 weights of linear layers column by column: products with 1 to 16 rows then took two thirds of the
    time on a CPU. Weights shared with an embedding stay, since an embedding reads rows."""
    kept = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding | Packed)}
    for module in model.modules():
        if isinstance(module, nn.Linear) and module.weight.dtype == torch.float32 and id(module.weight) not in kept:
            module.weight.data = module.weight.data.t().contiguous().t()


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise EngineError(f"device={name} is not possible: PyTorch sees no NVIDIA GPU", "use device=cpu")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise EngineError(f"device={name} is not possible: there are {torch.cuda.device_count()} GPUs", "use cuda:0")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise EngineError("device=mps is not possible: PyTorch sees no Apple GPU", "use device=cpu")
    return device


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    start = perf_counter()
    yield
    seconds[stage] = perf_counter() - start
