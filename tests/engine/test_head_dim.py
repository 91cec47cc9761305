"""The width of an attention head, for configs with one width for all layers and without. Needs no vLLM."""

from __future__ import annotations

import pytest
import transformers

from playground.engine.backends.base import EngineError
from playground.engine.backends.vllm.pool import plan_pool
from playground.engine.checkpoint.config import head_dim
from playground.protocol.options import EngineOptions

SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}


def by_layer() -> transformers.PreTrainedConfig:
    """Sliding layers with heads of 16 numbers, full ones with 512."""
    return transformers.Gemma4TextConfig(
        **SIZES, head_dim=16, layer_types=["sliding_attention", "full_attention"], sliding_window=8
    )


def test_it_is_named_by_the_config_or_follows_from_the_hidden_size() -> None:
    assert head_dim(transformers.Qwen3Config(**SIZES, head_dim=16)) == 16
    assert head_dim(transformers.GPTNeoXConfig(hidden_size=32, num_attention_heads=4)) == 8


def test_layers_that_differ_have_none_in_common() -> None:
    assert head_dim(by_layer()) == 0


def test_a_pool_for_layers_that_differ_is_refused() -> None:
    with pytest.raises(EngineError, match="differ in size by layer"):
        plan_pool(by_layer(), EngineOptions(), 2**30, 0, cpu=True)
