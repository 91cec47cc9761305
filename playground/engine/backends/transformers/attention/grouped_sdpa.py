"""Scaled dot product attention as transformers calls it, with heads of keys shared instead of repeated."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AttentionInterface
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, sdpa_mask

from playground.engine.backends.transformers.attention.varlen import Ragged

GROUPED = "playground_grouped_sdpa"
# Devices on which a mask makes PyTorch choose another kernel.
MASKS_MATTER = ("cuda",)


def grouped_sdpa(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | Ragged | None,
    scaling: float | None = None,
    is_causal: bool | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Scaled dot product attention of query [B, Hq, q, D] over key, value [B, Hkv, L, D]; returns [B, q, Hq, Dv].

    Query heads of one group share a key and value head in memory, but for float32 prompts on a GPU. In decode (q = 1)
    the group takes the place of the query axis; under a mask on a GPU, where no fused kernel shares heads, it joins
    that axis.
    """
    if isinstance(attention_mask, Ragged):
        return attention_mask.attend(query, key, value, scaling), None
    batch, heads, length, _dim = query.shape
    groups = heads // key.shape[1]
    masked = attention_mask is not None and query.device.type in MASKS_MATTER
    if groups > 1 and (length == 1 or masked) and (attention_mask is None or attention_mask.shape[1] == 1):
        folded = query.reshape(batch, key.shape[1], groups * length, -1)
        mask = attention_mask if attention_mask is None or length == 1 else attention_mask.repeat(1, 1, groups, 1)
        output = F.scaled_dot_product_attention(folded, key, value, attn_mask=mask, scale=scaling)
        return output.reshape(batch, heads, length, -1).transpose(1, 2).contiguous(), None
    causal = length > 1 and attention_mask is None and (is_causal if is_causal is not None else True)
    if groups > 1 and query.dtype == torch.float32 and query.device.type in MASKS_MATTER:
        # Of the fused kernels there only flash shares heads, and it takes no float32: all scores would be made.
        key, value, groups = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1), 1
    output = F.scaled_dot_product_attention(
        query, key, value, attn_mask=attention_mask, is_causal=causal, scale=scaling, enable_gqa=groups > 1
    )
    return output.transpose(1, 2).contiguous(), None


AttentionInterface.register(GROUPED, grouped_sdpa)
ALL_MASK_ATTENTION_FUNCTIONS.register(GROUPED, sdpa_mask)
