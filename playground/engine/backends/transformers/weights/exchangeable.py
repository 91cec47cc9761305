"""Which layers of a model can be exchanged for quantized ones, and what share of its weights that is."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Callable, Mapping

from torch import nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

# FalconLinear differs from its base class in how it rounds alone.
PLAIN = {"Linear", "Conv1D", "FalconLinear", "PackedLinear", "LaidOutLinear"}
READ, CALLED = re.compile(r"\bself\.(\w+)\.weight\b"), re.compile(r"\bself\.(\w+)\(")
# Less than this is a router or the like, which nobody would miss in the figures.
WORTH_TELLING = 0.01


def exchangeable(model: PreTrainedModel) -> dict[str, nn.Linear | Conv1D]:
    """Path -> linear layer, without the output head, those with a forward of their own, and those whose weight the
    module around them multiplies by itself."""
    head = model.get_output_embeddings()
    read_by = {kind: _weights_read(kind) for kind in {type(module) for module in model.modules()}}
    read = {f"{path}.{name}" for path, module in model.named_modules() for name in read_by[type(module)]}
    return {
        path: module
        for path, module in model.named_modules()
        if isinstance(module, nn.Linear | Conv1D)
        and type(module).__name__ in PLAIN
        and module is not head
        and path not in read
    }


def _weights_read(kind: type[nn.Module]) -> set[str]:
    """Names of the inner modules whose weight this class reads and which it never calls, by its source."""
    source = "".join(map(_source, filter(inspect.isfunction, vars(kind).values())))
    return set(READ.findall(source)) - set(CALLED.findall(source))


def _source(function: Callable[..., object]) -> str:
    try:
        return inspect.getsource(function)
    except OSError:
        return ""


def what_stays(model: PreTrainedModel, exchanged: Mapping[str, nn.Module]) -> str:
    """The share of the matrices that is exchanged, and whose are most of the others; empty if nearly all are.
    Embeddings and the output head do not count."""
    apart = {id(module) for module in model.modules() if isinstance(module, nn.Embedding)}
    apart |= {id(model.get_output_embeddings()), *map(id, exchanged.values())}
    left: Counter[str] = Counter()
    for module in model.modules():
        if id(module) not in apart:
            left[type(module).__name__] += _matrix_numbers(module)
    done, stays = sum(map(_matrix_numbers, exchanged.values())), left.total()
    if stays <= WORTH_TELLING * (done + stays):
        return ""
    return f"{done / (done + stays):.0%} of the layers' weights: {left.most_common(1)[0][0]} stays as it is"


def _matrix_numbers(module: nn.Module) -> int:
    return sum(each.numel() for each in module.parameters(recurse=False) if each.ndim > 1)
