"""Angles from the table have the same bits as those of the model's own module."""

from __future__ import annotations

import pytest
import torch
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

from playground.engine.backends.transformers.forward.rotary_table import ROOM, STEADY, RotaryTable, signed

SCALED = {"factor": 2.0, "rope_theta": 10000.0}
LLAMA3 = {"low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64}


@pytest.mark.parametrize("kind", [*sorted(STEADY), "dynamic"])
def test_every_position_is_that_of_the_model(kind: str) -> None:
    parameters = {"rope_type": kind, **SCALED, **(LLAMA3 if kind == "llama3" else {})}
    config = LlamaConfig(hidden_size=64, num_attention_heads=4, max_position_embeddings=128, rope_parameters=parameters)
    rotary, sample = LlamaRotaryEmbedding(config), torch.empty(1)
    table = RotaryTable(rotary, sample)
    for positions in ([[0, 1, 2], [5, 5, 9]], [[127]], [[ROOM + 7], [3]], [[4 * ROOM]], [[2]]):
        cosines, sines = table(torch.tensor(positions))
        own_cosines, own_sines = rotary(sample, position_ids=torch.tensor(positions))
        assert torch.equal(cosines, own_cosines.flatten(0, 1).unsqueeze(1))
        assert torch.equal(sines, signed(own_sines.flatten(0, 1).unsqueeze(1)))
