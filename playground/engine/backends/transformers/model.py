"""Load a checkpoint into a model and a tokenizer, telling each stage."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import torch
import transformers
from torch import nn
from transformers import AutoConfig, AutoTokenizer, PreTrainedModel
from transformers.utils import logging as transformers_logging

from playground.engine.backends.base import EngineError, Progress
from playground.engine.backends.transformers.architecture import refuse_class, refuse_config
from playground.engine.backends.transformers.checkpoint import Checkpoint
from playground.engine.backends.transformers.packed_linear import Packed, pack_weights
from playground.engine.backends.transformers.pretrained import check_room, choose_dtype, read_weights, short_line
from playground.engine.backends.transformers.tokenizer import Tokenizer
from playground.protocol.options import EngineOptions

SMALL_MODEL_PARAMETERS = 50_000_000


@dataclass
class LoadedModel:
    """A model in evaluation mode on its device, its tokenizer, the seconds of each stage, what to know of it, and
    why it does not compute in its checkpoint's dtype."""

    model: PreTrainedModel
    tokenizer: Tokenizer
    checkpoint: Checkpoint
    device: torch.device
    seconds: dict[str, float] = field(default_factory=dict)
    note: str = ""
    why_dtype: str = ""

    @property
    def context(self) -> int:
        """See `context_of`."""
        return context_of(self.model.config)


def load(checkpoint: Checkpoint, options: EngineOptions, trust_remote_code: bool, progress: Progress) -> LoadedModel:
    """Config, tokenizer, weights, device. Raises `EngineError`; `progress` may raise `Cancelled`."""
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
        refuse_class(type(model), config.model_type)
    set_threads(model)
    if device.type == "cpu":
        with _timed(seconds, "converting"):
            pack_weights(model, progress)
        if is_small(model):
            transpose_weights(model)
    return LoadedModel(model, tokenizer, checkpoint, device, seconds, note, why)


def context_of(config: Any) -> int:
    """Positions that the model was made for."""
    text = config.get_text_config()
    return int(getattr(text, "max_position_embeddings", None) or getattr(text, "n_positions", None) or 2**20)


def set_threads(model: nn.Module) -> int:
    """One thread for a tiny model (a second one gains less than the UI beside it needs), else every core."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    torch.set_num_threads(1 if is_small(model) else cores)
    return torch.get_num_threads()


def is_small(model: nn.Module) -> bool:
    """It has fewer than `SMALL_MODEL_PARAMETERS`."""
    return sum(parameter.numel() for parameter in model.parameters()) < SMALL_MODEL_PARAMETERS


def transpose_weights(model: PreTrainedModel) -> None:
    """Store float32 weights of linear layers column by column: a product with 1 to 16 rows then took two thirds of the
    time on a CPU. What is an embedding as well stays, since that reads rows."""
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


def read_config(checkpoint: Checkpoint, trust_remote_code: bool) -> Any:
    """The checkpoint's config; raises `EngineError`."""
    try:
        return AutoConfig.from_pretrained(checkpoint.path, trust_remote_code=trust_remote_code)
    except ImportError as error:
        raise EngineError(
            f"the code of {checkpoint.name} cannot run: {short_line(error)}", "install what it asks for"
        ) from error
    except Exception as error:
        raise EngineError(
            f"config.json of {checkpoint.name} makes no model: {short_line(error)}", "fetch the checkpoint again"
        ) from error


def read_tokenizer(checkpoint: Checkpoint, config: Any, trust_remote_code: bool) -> Tokenizer:
    """The checkpoint's tokenizer with every end token that its files name; raises `EngineError`."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(checkpoint.path, trust_remote_code=trust_remote_code)
    except Exception as error:
        raise EngineError(
            f"the tokenizer of {checkpoint.name} cannot be read: {short_line(error)}", "fetch it again"
        ) from None
    text = config.get_text_config()
    return Tokenizer(tokenizer, text.vocab_size, context_of(config), end_ids(checkpoint, tokenizer, text))


def end_ids(checkpoint: Checkpoint, tokenizer: Any, text: Any) -> set[int]:
    """The token ids that end an answer: those of tokenizer, text config and generation config together."""
    ends = {tokenizer.eos_token_id, *_as_list(text.eos_token_id)}
    try:
        generation = transformers.GenerationConfig.from_pretrained(checkpoint.path)
        ends.update(_as_list(generation.eos_token_id))
    except (OSError, ValueError):
        pass
    return ends - {None}


def _as_list(value: int | list[int] | None) -> list[int | None]:
    return list(value) if isinstance(value, list) else [value]


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    start = perf_counter()
    yield
    seconds[stage] = perf_counter() - start
