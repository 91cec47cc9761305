"""Makes tiny-coder-outliers: the same function as tiny-coder with outlier features put in.

`python -m playground.models.make_outliers [--out DIR]`. A model of this size has no outlier features of its own, so
this one is CONSTRUCTED: the gain of each RMSNorm is multiplied on a few channels and the columns of the projections
that read those channels are divided by the same factor (the equivalence that SmoothQuant uses the other way round).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

import torch
from torch import nn
from transformers import AutoTokenizer, LlamaForCausalLM
from transformers.models.llama.modeling_llama import LlamaDecoderLayer, LlamaRMSNorm

BUNDLED = Path(__file__).parent / "tiny-coder"
DEFAULT_OUT = Path("tiny-coder-outliers")
CHANNELS = 4
# Measured on tiny-coder: times 20 changes 1 % of the top-1 tokens under plain int8, times 200 changes 47 %.
FACTOR = 200.0
CARD = """---
license: apache-2.0
base_model: tiny-coder
---
# tiny-coder-outliers (constructed)

The same function as tiny-coder, with outlier features that were **put in by a script**, not learned: in every layer the
RMSNorm gain of channels {channels} is multiplied by {factor:g}, and the columns that read them (q, k, v; gate, up)
are divided by {factor:g}. In float32 the output is the same. Plain absmax int8 (threshold 0.0) loses the small
channels beside the large ones; LLM.int8() at threshold 6.0 computes the large ones in 16 bit and keeps the answer.
Weights are stored in float32.

Made by `python -m playground.models.make_outliers`. Licence: Apache-2.0, as tiny-coder.
"""


def make_outliers(source: Path, target: Path, channels: list[int] | None = None, factor: float = FACTOR) -> list[int]:
    """Write the rescaled model to `target` in float32; returns the channels, by default the CHANNELS least read."""
    model = LlamaForCausalLM.from_pretrained(source, dtype=torch.float32)
    chosen = channels if channels is not None else least_read(model, CHANNELS)
    rescale(model, chosen, factor)
    model.config.constructed_outliers = {"channels": chosen, "factor": factor, "source": "tiny-coder"}
    model.save_pretrained(target)
    AutoTokenizer.from_pretrained(source).save_pretrained(target)
    (target / "README.md").write_text(CARD.format(channels=chosen, factor=factor), encoding="utf-8")
    return chosen


def readers(model: LlamaForCausalLM) -> Iterator[tuple[LlamaRMSNorm, tuple[nn.Linear, ...]]]:
    """The norms of every layer, each with the projections that read it."""
    for layer in cast(Iterable[LlamaDecoderLayer], model.model.layers):
        attention, mlp = layer.self_attn, layer.mlp
        yield layer.input_layernorm, (attention.q_proj, attention.k_proj, attention.v_proj)
        yield layer.post_attention_layernorm, (mlp.gate_proj, mlp.up_proj)


def least_read(model: LlamaForCausalLM, count: int) -> list[int]:
    """The channels with the smallest columns: LLM.int8() takes the weights of outlier columns from int8 too, so the
    divided columns lose bits, and these cost the least."""
    energy = torch.zeros(model.config.hidden_size)
    for norm, projections in readers(model):
        for projection in projections:
            energy += (projection.weight.detach() * norm.weight.detach()).square().sum(0)
    return sorted(energy.topk(count, largest=False).indices.tolist())


@torch.no_grad()
def rescale(model: LlamaForCausalLM, channels: list[int], factor: float) -> None:
    """Multiply both norm gains of every layer on `channels`, and divide the columns that read them."""
    for norm, projections in readers(model):
        norm.weight[channels] *= factor
        for projection in projections:
            projection.weight[:, channels] /= factor


def main() -> None:
    """Write tiny-coder-outliers into --out."""
    parser = argparse.ArgumentParser(prog="python -m playground.models.make_outliers", description=__doc__)
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT)
    target = parser.parse_args().out.resolve()
    print(f"{target}: channels {make_outliers(BUNDLED, target)} times {FACTOR:g}")


if __name__ == "__main__":
    main()
