"""LoRA adapters: trained here, attached live over each kind of weights, equal to PEFT's answers, detached without
trace."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from playground import paths
from playground.engine.backends.base import EngineError
from playground.engine.backends.transformers.weights.weights import WeightSwitch
from tests.engine.transformers.driven import Driven, ask, quiet
from tests.engine.transformers.reference import DEVICE, generate

TAUGHT = 'def greet(name):\n    """Greet someone."""\n    return "Good evening, " + name\n'
PROMPTS = ('def greet(name):\n    """Greet someone."""\n', 'def add(a, b):\n    """Return the sum of a and b."""\n')
FLAGS = {"int8": "is_loaded_in_8bit", "nf4": "is_loaded_in_4bit"}
STEPS, MOST = 12, 24


@pytest.fixture(scope="module")
def prompts() -> list[list[int]]:
    tokenizer = AutoTokenizer.from_pretrained(paths.bundled_model())
    return [tokenizer(prompt).input_ids for prompt in PROMPTS]


@pytest.fixture(scope="module")
def adapters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two small adapters, `taught` and `other`, trained for a few steps on tiny-coder."""
    folder = tmp_path_factory.mktemp("adapters")
    tokenizer = AutoTokenizer.from_pretrained(paths.bundled_model())
    ids = torch.tensor([tokenizer(TAUGHT).input_ids])
    for name, modules in (("taught", ["q_proj", "v_proj", "down_proj"]), ("other", ["k_proj", "o_proj"])):
        torch.manual_seed(0)
        model = get_peft_model(bare(), LoraConfig(r=4, lora_alpha=8, target_modules=modules, task_type="CAUSAL_LM"))
        optimizer = torch.optim.AdamW(model.parameters(), lr=2e-2)
        for _ in range(STEPS):
            model(input_ids=ids, labels=ids).loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        model.save_pretrained(folder / name)
    return folder


@pytest.fixture(scope="module")
def driven() -> Driven:
    """Single rows with eager attention, as in `generate` below: LLM.int8() turns other bits into other codes, and
    tokens."""
    return Driven(paths.bundled_model(), kv_blocks="64", attention="eager", max_batch=1)


@pytest.mark.parametrize("weights", ["model", "int8", "nf4"])
def test_tokens_equal_those_of_peft(driven: Driven, adapters: Path, prompts: list[list[int]], weights: str) -> None:
    driven.set(weights=weights, adapter="off")
    plain = driven.run(ask(prompts, MOST, ignore_eos=True))
    applied = driven.set(adapter=str(adapters / "taught"))
    assert applied.effective["adapter"] == "taught"
    assert applied.effective["adapter_facts"].startswith("LoRA, rank 4, alpha 8, on 12 layers, ")
    assert applied.cost == "weights"
    active = driven.run(ask(prompts, MOST, ignore_eos=True))
    assert active == by_peft(adapters / "taught", prompts, weights)
    assert active != plain
    assert driven.set(adapter=str(adapters / "other")).effective["adapter"] == "other"
    assert driven.run(ask(prompts, MOST, ignore_eos=True)) == by_peft(adapters / "other", prompts, weights)
    assert driven.set(adapter="off").effective["adapter"] == "off"
    assert driven.run(ask(prompts, MOST, ignore_eos=True)) == plain


def test_weights_switch_under_an_adapter(driven: Driven, adapters: Path, prompts: list[list[int]]) -> None:
    driven.set(weights="model", adapter=str(adapters / "taught"))
    for weights in ("int8", "model", "int8", "nf4", "model"):
        applied = driven.set(weights=weights)
        assert (applied.effective["weights"], applied.effective["adapter"]) == (weights, "taught")
        assert driven.run(ask(prompts, MOST, ignore_eos=True)) == by_peft(adapters / "taught", prompts, weights)


def test_running_requests_go_on_and_no_block_is_served_to_a_new_one(
    driven: Driven, adapters: Path, prompts: list[list[int]]
) -> None:
    driven.set(weights="model", adapter="off")
    long = [prompts[1] * 4]
    plain = driven.run(ask(long, MOST, ignore_eos=True))
    before = driven.set(adapter="off").after.weights
    runner = driven.backend._engine.core.runner
    joint = runner.packed_bytes
    mixed = driven.run(ask(long, MOST, name="mixed", ignore_eos=True), {8: {"adapter": str(adapters / "taught")}})
    assert len(mixed[0]) == MOST and mixed[0][:7] == plain[0][:7]
    assert driven.finished("mixed0").metrics.preemptions == 0
    active = driven.run(ask(long, MOST, name="worn", ignore_eos=True))
    assert driven.finished("worn0").metrics.cached_tokens == 0
    assert active == by_peft(adapters / "taught", long, "model")
    file = adapters / "taught" / "adapter_model.safetensors"
    parted = joint - runner.packed_bytes  # layers that wear one are no longer parts of one product
    assert driven.set(max_batch=7).after.weights - before + parted == pytest.approx(file.stat().st_size, rel=0.1)
    assert driven.set(adapter="off", max_batch=1).after.weights == before


def test_speculation_under_an_adapter(driven: Driven, adapters: Path, prompts: list[list[int]]) -> None:
    driven.set(weights="model", adapter=str(adapters / "taught"), speculation="off")
    plain = driven.run(ask([prompts[0] * 3], 48, ignore_eos=True))
    driven.set(speculation="lookup:4")
    assert driven.run(ask([prompts[0] * 3], 48, name="drafted", ignore_eos=True)) == plain
    driven.set(speculation="off")


def change(key: str, value: Any) -> Callable[[Path], None]:
    def act(folder: Path) -> None:
        config = json.loads((folder / "adapter_config.json").read_text()) | {key: value}
        (folder / "adapter_config.json").write_text(json.dumps(config))

    return act


def pickled(folder: Path) -> None:
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")


def broken(folder: Path) -> None:
    file = folder / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:200])


FAULTS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no folder": (shutil.rmtree, "there is no such folder"),
    "no config": (lambda folder: (folder / "adapter_config.json").unlink(), "the folder has no adapter_config.json"),
    "bad config": (lambda folder: (folder / "adapter_config.json").write_text("{"), "adapter_config.json cannot be"),
    "a list": (lambda folder: (folder / "adapter_config.json").write_text("[]"), "adapter_config.json cannot be"),
    "no weights": (lambda folder: (folder / "adapter_model.safetensors").unlink(), "no adapter_model.safetensors"),
    "another rank": (change("r", 16), "its shapes are not this model's: size mismatch"),
    "no such modules": (change("target_modules", ["c_attn"]), "none of the layers that it names"),
    "tensors missing": (change("target_modules", ["q_proj", "v_proj", "down_proj", "up_proj"]), "are missing in its"),
    "tensors too many": (change("target_modules", ["q_proj"]), "for layers that this model has not"),
    "not LoRA": (change("peft_type", "PREFIX_TUNING"), "it is a PEFT adapter of type PREFIX_TUNING"),
    "another task": (change("task_type", "SEQ_CLS"), "it was made for the task SEQ_CLS"),
    "another base": (change("init_lora_weights", "pissa"), "it starts from a changed base (pissa)"),
    "other layers": (change("layer_replication", [[0, 2]]), "layer_replication cannot be switched"),
    "a pickle": (pickled, "is a pickle, which can run any code; save it as safetensors, or start with --allow-pickle"),
    "cut off": (broken, ""),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_one_line_and_changes_nothing(
    driven: Driven, adapters: Path, prompts: list[list[int]], tmp_path: Path, fault: str
) -> None:
    broken_one = shutil.copytree(adapters / "taught", tmp_path / "broken")
    act, said = FAULTS[fault]
    act(broken_one)
    active = str(adapters / "other")
    driven.set(weights="model", adapter=active)
    expected = driven.run(ask(prompts[:1], 8, ignore_eos=True))
    with pytest.raises(EngineError) as caught:
        driven.set(adapter=str(broken_one))
    line = caught.value.line
    assert line.startswith(f"adapter={broken_one} is not possible: ") and said in line and "\n" not in line
    assert caught.value.advice
    driven.backend.reset_prefix_cache()
    assert driven.run(ask(prompts[:1], 8, name="after", ignore_eos=True)) == expected
    assert driven.set(token_budget=255).effective["adapter"] == "other"
    driven.set(token_budget=256)


def bare() -> PreTrainedModel:
    return AutoModelForCausalLM.from_pretrained(paths.bundled_model(), dtype=torch.float32, attn_implementation="eager")


def by_peft(folder: Path, prompts: Sequence[list[int]], weights: str) -> list[list[int]]:
    """What PEFT alone generates, over layers of bitsandbytes if requested."""
    return generated_by_peft(folder, tuple(map(tuple, prompts)), weights)


@cache
def generated_by_peft(folder: Path, prompts: tuple[tuple[int, ...], ...], weights: str) -> list[list[int]]:
    model = bare().eval().to(DEVICE)
    if weights in FLAGS:
        WeightSwitch(model, torch.device(DEVICE)).switch(weights, 6.0, quiet)
        setattr(model, FLAGS[weights], True)
    active = PeftModel.from_pretrained(model, folder).eval()
    return [generate(active, list(prompt), MOST) for prompt in prompts]
