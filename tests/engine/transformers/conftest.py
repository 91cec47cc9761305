"""The zoo's checkpoints and what `generate` answers on them, made once a session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.transformers.reference import Reference, ask_generate
from tests.engine.transformers.zoo.zoo import make

Member = Callable[[str], Reference]


@pytest.fixture(scope="session")
def member(tmp_path_factory: pytest.TempPathFactory) -> Member:
    """Name of a zoo member -> its folder and reference answers."""
    made: dict[str, Reference] = {}

    def get(name: str) -> Reference:
        if name not in made:
            folder: Path = make(name, tmp_path_factory.mktemp("zoo") / name)
            made[name] = ask_generate(folder)
        return made[name]

    return get


@pytest.fixture(scope="session")
def adapter(member: Member, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a LoRA adapter for the member `llama` that changes every answer."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(member("llama").folder)
    config = LoraConfig(r=4, target_modules=["q_proj", "v_proj", "down_proj"], init_lora_weights=False)
    folder = tmp_path_factory.mktemp("adapter")
    get_peft_model(model, config).save_pretrained(folder)
    return str(folder)
