"""Attention heads by layer, from configs of every style. Needs no vLLM."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import transformers

from playground.engine.backends.base import EngineError
from playground.engine.backends.vllm.pool import plan_pool
from playground.engine.checkpoint.heads import Heads, heads_by_layer
from playground.protocol.options import EngineOptions

SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}


def widths_differ() -> transformers.PreTrainedConfig:
    """Sliding layers with heads of 16 numbers, full ones with 512."""
    return transformers.Gemma4TextConfig(
        **SIZES, head_dim=16, layer_types=["sliding_attention", "full_attention"], sliding_window=8
    )


def listed(**figures: Any) -> Any:
    """A config from beside a checkpoint, with code of its own."""
    config = SimpleNamespace(**SIZES | figures)
    config.get_text_config = lambda: config
    return config


def test_the_width_is_named_by_the_config_or_follows_from_the_hidden_size() -> None:
    assert heads_by_layer(transformers.Qwen3Config(**SIZES, head_dim=16)) == [Heads(4, 2, 16)] * 2
    neox = transformers.GPTNeoXConfig(hidden_size=32, num_attention_heads=4, num_hidden_layers=2)
    assert heads_by_layer(neox) == [Heads(4, 4, 8)] * 2


@pytest.mark.parametrize(
    ("config", "heads"),
    [
        (widths_differ(), [Heads(4, 2, 16), Heads(4, 2, 512)]),
        (
            transformers.LagunaConfig(
                **SIZES, head_dim=16, num_attention_heads_per_layer=[4, 2], mlp_layer_types=["dense", "sparse"]
            ),
            [Heads(4, 2, 16), Heads(2, 2, 16)],
        ),
        (listed(num_attention_heads=[4, 8], num_key_value_heads=[2, 4]), [Heads(4, 2, 8), Heads(8, 4, 4)]),
        (listed(num_attention_heads=None), []),
    ],
)
def test_layers_may_differ(config: Any, heads: list[Heads]) -> None:
    assert heads_by_layer(config) == heads


@pytest.mark.parametrize("config", [widths_differ(), listed(num_key_value_heads=[2, 1])])
def test_a_pool_for_layers_that_differ_is_refused(config: Any) -> None:
    with pytest.raises(EngineError, match="differ in size by layer"):
        plan_pool(config, EngineOptions(), 2**30, 0, cpu=True)
