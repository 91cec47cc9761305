"""Every fault of a checkpoint is one line that says what is wrong with it and what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from playground.protocol.events import ModelLoaded
from tests.engine.transformers import checkpoints
from tests.engine.transformers.faults.live_worker import load_command, request

WEIGHTS = "model.safetensors"
FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no config": (lambda path: (path / "config.json").unlink(), "model has no config.json; name the folder of a model"),
    "broken config": (
        lambda path: (path / "config.json").write_text("{"),
        "config.json of model cannot be read: Expecting property name",
    ),
    "config is a list": (lambda path: (path / "config.json").write_text("[]"), "it is no JSON object"),
    "config is binary": (lambda path: (path / "config.json").write_bytes(b"\xff\xfe"), "'utf-8' codec can't decode"),
    "no model_type": (lambda path: checkpoints.change_config(path, model_type=None), "is not a language model"),
    "config of words": (
        lambda path: checkpoints.change_config(path, hidden_size="wide"),
        "config.json of model makes no model",
    ),
    "unknown dtype": (lambda path: checkpoints.change_config(path, dtype="float99"), "makes no model"),
    "no tokenizer": (
        lambda path: (path / "tokenizer.json").unlink(),
        "model has no tokenizer; put one of tokenizer.json, tokenizer.model",
    ),
    "broken tokenizer": (
        lambda path: (path / "tokenizer.json").write_text("{"),
        "the tokenizer of model cannot be read",
    ),
    "no weights": (lambda path: (path / WEIGHTS).unlink(), "model has no weights; put its .safetensors"),
    "missing shard": (
        lambda path: (checkpoints.shard(path), (path / "model-00002-of-00002.safetensors").unlink()),
        "model lacks 1 of 2 weight files: model-00002-of-00002.safetensors; fetch it again",
    ),
    "broken index": (
        lambda path: (checkpoints.shard(path), (path / f"{WEIGHTS}.index.json").write_text("{")),
        "model.safetensors.index.json does not say which file holds which tensor",
    ),
    "cut header": (lambda path: checkpoints.cut(path / WEIGHTS, 100), "not a safetensors file or its header is cut"),
    "empty weights": (lambda path: checkpoints.cut(path / WEIGHTS, 0), "not a safetensors file or its header is cut"),
    "cut data": (lambda path: checkpoints.cut(path / WEIGHTS, 99999), "is cut off: 99999 of "),
    "git lfs pointer": (
        lambda path: (path / WEIGHTS).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"),
        "is only a Git LFS pointer; run `git lfs pull`",
    ),
    "pickles": (
        checkpoints.pickle_weights,
        "only pickled weights (pytorch_model.bin), and a pickle can run any code; convert them to safetensors,"
        " or start again with --allow-pickle",
    ),
    "unknown architecture": (
        lambda path: checkpoints.change_config(path, model_type="wonder"),
        "does not know the architecture 'wonder'; a newer transformers may",
    ),
    "remote code": (
        checkpoints.remote_code,
        "model runs code of its own (AutoConfig, AutoModelForCausalLM); read that code; if you trust it,"
        " start again with --trust-remote-code",
    ),
    "encoder-decoder": (
        lambda path: checkpoints.write_config(path, {"model_type": "t5"}),
        "T5 is an encoder-decoder model; only decoder-only language models run here",
    ),
    "no language model": (lambda path: checkpoints.write_config(path, {"model_type": "clip"}), "is not a causal"),
    "encoder": (
        lambda path: checkpoints.write_config(path, {"model_type": "bert", "architectures": ["BertForMaskedLM"]}),
        "BertForMaskedLM reads in both directions; choose a checkpoint that generates text",
    ),
    "state-space": (
        lambda path: checkpoints.write_config(path, {"model_type": "mamba"}),
        "whose state is not keys and values",
    ),
    "another vocabulary": (
        lambda path: checkpoints.change_config(path, vocab_size=4096),
        "model.embed_tokens.weight of model has shape [2048, 32], and config.json asks for [4096, 32]",
    ),
    "missing tensors": (
        lambda path: checkpoints.change_tensors(path, drop="mlp.up_proj"),
        "the weights of model lack 1 of the tensors in its config, such as model.layers.0.mlp.up_proj.weight",
    ),
    "missing layers": (
        lambda path: checkpoints.change_config(path, num_hidden_layers=3),
        "lack 18 of the tensors in its config",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_checkpoint_is_refused(worker, checkpoint, fault):
    spoil, said = FAULTS[fault]
    path = checkpoint()
    spoil(path)
    line = worker.refusal(load_command(path))
    assert said in line
    assert ";" in line and len(line) < 330 and "Traceback" not in line


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("/nowhere/at/all", "there is no folder /nowhere/at/all; check the spelling"),
        ("no-such-model", "there is no folder no-such-model; check the spelling, or name a hub id"),
        ("~nobody-here/model", "there is no folder ~nobody-here/model"),
        ("/" + "a" * 5000, "there is no folder /aaa"),
        ("zero\0byte", "there is no folder zerobyte"),
        ("/broken\udcffname", "there is no folder /broken?name"),
        ("/[red]x[/]\x1b[31m", "there is no folder /[red]x[/][31m;"),
        ("", "there is no folder"),
        (__file__, "test_faults_checkpoint.py is a file; name the folder that holds config.json and the weights"),
    ],
)
def test_a_path_that_leads_nowhere(worker, name, said):
    line = worker.refusal(load_command(name))
    assert said in line and len(line) < 400


def test_a_pickle_loads_where_it_is_allowed(worker, checkpoint):
    path = checkpoint()
    checkpoints.pickle_weights(path)
    worker.load(path, allow_pickle=True)
    assert worker.finish(request("pickled"))[0].reason == "length"


def test_a_cut_pickle_is_refused_even_where_it_is_allowed(worker, checkpoint):
    path = checkpoint()
    checkpoints.pickle_weights(path)
    checkpoints.cut(path / "pytorch_model.bin", 1000)
    assert "the weights of model cannot be loaded" in worker.refusal(load_command(path, allow_pickle=True))


def test_trusted_code_runs(worker, checkpoint):
    path = checkpoint()
    checkpoints.remote_code(path)
    assert worker.load(path, trust_remote_code=True).facts.architecture == "PrivateForCausalLM"
    assert worker.finish(request("private"))[0].reason == "length"


def test_trusted_code_that_lacks_a_package(worker, checkpoint):
    path = checkpoint()
    checkpoints.remote_code(path)
    (path / "modeling_private.py").write_text("import surely_not_installed\n")
    line = worker.refusal(load_command(path, trust_remote_code=True))
    assert "the code of model cannot run" in line and "surely_not_installed" in line


def test_weights_in_shards_load(worker, checkpoint):
    path = checkpoint()
    checkpoints.shard(path)
    assert worker.load(path).facts.note == ""


def test_tensors_that_have_no_place_are_told(worker, checkpoint):
    path = checkpoint(layers=2)
    checkpoints.change_config(path, num_hidden_layers=1)
    checkpoints.change_tensors(path, **{"model.extra.weight": np.zeros((2, 2), np.float32)})
    note = worker.load(path).facts.note
    assert "left out" in note and "10 tensors" in note


def test_after_every_fault_a_model_still_loads(worker, checkpoint):
    assert isinstance(worker.load(checkpoint()), ModelLoaded)
    assert worker.finish(request("after faults"))[0].reason == "length"
