"""`CheckModel`: every kind of damage to a checkpoint is found by name, and none of its code runs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from playground import paths
from playground.engine.backends.transformers.check.check import check
from playground.protocol.commands import CheckModel
from playground.protocol.events import CheckFinding, ModelChecked
from tests.engine.transformers import checkpoints
from tests.engine.transformers.zoo import zoo


def quiet(*_: object, **__: object) -> None:
    """A progress that ignores every report."""


def looked_at(folder: Path | str) -> ModelChecked:
    return check(CheckModel(model=str(folder)), quiet)


def found(folder: Path, name: str) -> CheckFinding:
    findings = looked_at(folder).findings
    return next(finding for finding in findings if finding.name == name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return checkpoints.make(tmp_path / "small")


def change_value(folder: Path, name: str, value: np.ndarray) -> None:
    file = folder / "model.safetensors"
    save_file(load_file(file) | {name: value}, file, metadata={"format": "pt"})


def change_tokenizer_config(folder: Path, **changes: Any) -> None:
    file = folder / "tokenizer_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_nothing_is_wrong_with_the_bundled_model():
    checked = looked_at(paths.bundled_model())
    assert checked.loadable and len(checked.findings) >= 15
    assert {finding.verdict for finding in checked.findings} == {"pass"}


@pytest.mark.parametrize(
    ("text", "verdict", "says"),
    [
        ("{broken", "warn", "generation_config.json cannot be read"),
        ('{"repetition_penalty": 1.3}', "warn", "repetition_penalty"),
        ("[]", "fail", "generation_config.json of small is no JSON object"),
        ('{"temperature": 0.6}', "pass", "nothing in it changes greedy answers"),
    ],
)
def test_a_generation_config_that_answers_do_not_follow_is_found(folder, text, verdict, says):
    (folder / "generation_config.json").write_text(text)
    told = {finding.verdict: finding.evidence for finding in looked_at(folder).findings if "generation" in finding.name}
    assert list(told) == [verdict] and says in told[verdict]


@pytest.mark.parametrize("name", ["qwen3-moe", "gpt-oss", "deepseek-v3", "gpt2", "bloom", "gemma3"])
def test_tensors_that_transformers_renames_or_merges_are_found(name, tmp_path):
    checked = looked_at(zoo.make(name, tmp_path / name))
    assert {f.name: f.evidence for f in checked.findings if f.verdict == "fail"} == {}
    assert {"missing tensors", "wrong shapes", "unexpected tensors"} <= {f.name for f in checked.findings}


def test_what_cannot_be_loaded_ends_the_look(folder, tmp_path):
    checkpoints.cut(folder / "model.safetensors", 1000)
    for model, says in ((folder, "cut off"), (tmp_path / "nowhere", "there is no folder")):
        checked = looked_at(model)
        assert not checked.loadable and len(checked.findings) == 1
        assert checked.findings[0].verdict == "fail" and says in checked.findings[0].evidence


def test_code_is_named_and_never_run(folder):
    (folder / "modeling_small.py").write_text("raise SystemExit('it ran')\n")
    finding = found(folder, "code")
    assert finding.verdict == "warn" and "modeling_small.py" in finding.evidence


def test_a_blob_of_the_hub_that_is_not_what_its_name_says(folder):
    blob = folder.parent / ("0" * 64)
    (folder / "model.safetensors").rename(blob)
    (folder / "model.safetensors").symlink_to(blob)
    finding = found(folder, "hashes")
    assert finding.verdict == "fail" and "not the bytes" in finding.evidence


def test_missing_left_over_and_misshapen_tensors(folder):
    checkpoints.change_tensors(folder, drop="k_proj", extra=np.ones((2, 2), np.float32))
    checkpoints.change_config(folder, intermediate_size=65)
    assert "k_proj" in found(folder, "missing tensors").evidence
    assert found(folder, "missing tensors").verdict == found(folder, "wrong shapes").verdict == "fail"
    assert "[64, 32], config.json asks for [65, 32]" in found(folder, "wrong shapes").evidence
    assert found(folder, "unexpected tensors").verdict == "warn"
    assert found(folder, "unexpected tensors").evidence == "1: extra"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_one_broken_number_among_thousands(folder, value):
    name = "model.layers.0.mlp.up_proj.weight"
    weights = load_file(folder / "model.safetensors")[name].copy()
    weights[5, 7] = value
    change_value(folder, name, weights)
    finding = found(folder, "NaN or Inf")
    assert finding.verdict == "fail" and finding.evidence == f"1: {name}"


def test_zero_and_doubled_matrices_are_unlikely_and_not_broken(folder):
    weights = load_file(folder / "model.safetensors")
    change_value(folder, "model.layers.0.self_attn.o_proj.weight", np.zeros((32, 32), np.float32))
    change_value(folder, "model.layers.0.mlp.up_proj.weight", weights["model.layers.0.mlp.gate_proj.weight"])
    assert found(folder, "all-zero matrices").verdict == "warn"
    twice = found(folder, "duplicated tensors")
    assert twice.verdict == "warn" and "gate_proj.weight = model.layers.0.mlp.up_proj.weight" in twice.evidence


def test_mixed_dtypes_are_told(folder):
    change_value(folder, "model.norm.weight", np.ones(32, np.float16))
    finding = found(folder, "dtypes")
    assert finding.verdict == "warn" and finding.evidence.endswith("1 of F16")


def test_a_header_whose_bytes_do_not_fit_its_shape(folder):
    file = folder / "model.safetensors"
    data = file.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header["model.norm.weight"]["shape"] = [16]
    changed = json.dumps(header, separators=(",", ":")).encode().ljust(length)[:length]
    file.write_bytes(data[:8] + changed + data[8 + length :])
    finding = found(folder, "headers")
    assert finding.verdict == "fail" and "model.norm.weight in model.safetensors" in finding.evidence


def test_a_vocabulary_larger_than_the_embedding(folder):
    checkpoints.change_config(folder, vocab_size=1000)
    change_value(folder, "model.embed_tokens.weight", np.ones((1000, 32), np.float32))
    finding = found(folder, "vocabulary")
    assert finding.verdict == "fail" and finding.evidence == "ids up to 2047, the embedding has 1000 rows"


def test_end_tokens_outside_the_embedding_or_none_at_all(folder):
    checkpoints.change_config(folder, eos_token_id=5000)
    assert found(folder, "special tokens").verdict == "fail"
    checkpoints.write_config(folder, json.loads((folder / "config.json").read_text()) | {"eos_token_id": None})
    change_tokenizer_config(folder, eos_token=None)
    assert found(folder, "special tokens").verdict == "warn"


def test_a_template_that_does_not_render(folder):
    (folder / "chat_template.jinja").write_text("{% for message in messages %}{{ message.nothing.at.all }}{% endfor %}")
    finding = found(folder, "chat template")
    assert finding.verdict == "fail" and finding.evidence.startswith("it fails")


@pytest.mark.parametrize(
    ("closing", "verdict"), [("<|end|>", "pass"), ("<|assistant|>", "fail"), ("</answer>", "warn")]
)
def test_what_closes_an_answer_must_end_it(folder, closing, verdict):
    template = "{% for m in messages %}{{ m['content'] }}" + closing + "{% endfor %}"
    (folder / "chat_template.jinja").write_text(template)
    assert found(folder, "end of a turn").verdict == verdict


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda folder: checkpoints.change_config(folder, model_type=["llama"]), "names no model_type"),
        (lambda folder: checkpoints.change_config(folder, num_hidden_layers=0), "Llama has 0 layers"),
        (lambda folder: _link_to_nothing(folder / "model.safetensors"), "cannot be read: No such file"),
        (lambda folder: (folder / "model.safetensors").rename(folder / "model.gguf"), "only GGUF weights (model.gguf)"),
        (lambda folder: _as_adapter(folder), "is an adapter"),
        (lambda folder: (folder / "model.safetensors").rename(folder / "training_args.bin"), "has no weights"),
    ],
)
def test_what_a_folder_is_instead_of_a_checkpoint_is_said(folder, damage, says):
    damage(folder)
    checked = looked_at(folder)
    assert not checked.loadable and says in checked.findings[0].evidence


@pytest.mark.parametrize("ends", ["256", 3.0, [-1]])
def test_an_end_token_that_is_no_id_is_a_finding(folder, ends):
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": ends}))
    finding = found(folder, "vocabulary")
    assert finding.verdict == "fail" and "which is no token id" in finding.evidence
    assert "correct eos_token_id" in finding.advice


def test_only_the_file_that_is_read_counts(folder):
    shutil.copy(folder / "model.safetensors", folder / "consolidated.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "gone.safetensors"}}))
    assert {finding.verdict for finding in looked_at(folder).findings} == {"pass"}


@pytest.mark.parametrize("dtype", ["float8_e4m3fn", "int8"])
def test_a_dtype_that_no_module_can_be_made_in_still_lets_tensors_be_compared(folder, dtype):
    checkpoints.change_config(folder, dtype=dtype)
    assert found(folder, "missing tensors").verdict == "pass"


def test_codes_without_a_config_that_explains_them_are_told(folder):
    whole = {name: (tensor * 100).astype(np.int8) for name, tensor in load_file(folder / "model.safetensors").items()}
    save_file(whole, folder / "model.safetensors", metadata={"format": "pt"})
    finding = found(folder, "dtypes")
    assert finding.verdict == "warn" and "quantization_config" in finding.advice
    checkpoints.change_config(folder, quantization_config={"quant_method": "gptq", "bits": 4})
    assert found(folder, "dtypes").verdict == "pass" and "not compared" in found(folder, "tensors").evidence


def test_a_name_that_transformers_does_not_know_is_called_one(folder):
    checkpoints.change_config(folder, hidden_act="blub")
    assert found(folder, "weights").evidence == "unknown name 'blub'"


def _link_to_nothing(file: Path) -> None:
    file.unlink()
    file.symlink_to("/nowhere/blob")


def _as_adapter(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "base_model_name_or_path": "x"}))
