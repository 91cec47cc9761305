"""An unavailable value gives its reason, at a load as in a switch, and changes nothing."""

from __future__ import annotations

import pytest
import torch

from playground.protocol.commands import CancelLoad, SetOptions, Submit, UnloadModel
from playground.protocol.events import Failed, LoadCancelled, ModelLoaded, ModelLoading, OptionsApplied
from playground.protocol.options import EngineOptions
from tests.engine.transformers import checkpoints
from tests.engine.transformers.faults.live_worker import line_of, load_command, request

NO_GPU = pytest.mark.skipif(torch.cuda.is_available(), reason="it is possible on a machine with a GPU")
IMPOSSIBLE = [
    ({"weights": "fp8"}, "weights=fp8 is not possible: only vLLM computes with fp8 weights"),
    pytest.param(
        {"attention": "flash_attention_2"},
        "attention=flash_attention_2 is not possible: it needs an NVIDIA GPU; sdpa-flash is PyTorch's own",
        marks=NO_GPU,
    ),
    pytest.param({"attention": "flash_attention_3"}, "attention=flash_attention_3 is not possible: ", marks=NO_GPU),
    pytest.param({"device": "cuda:0"}, "device=cuda:0 is not possible: PyTorch sees no NVIDIA GPU", marks=NO_GPU),
    ({"device": "mps"}, "device=mps is not possible: PyTorch sees no Apple GPU"),
    ({"compile": True, "weights": "int8"}, "compile=on does not go with weights=int8: "),
    (
        {"speculation": "lookup:4", "batching": "static"},
        "speculation=lookup does not go with batching=static: rows of a static batch advance together",
    ),
    ({"adapter": "/nowhere"}, "adapter=/nowhere is not possible: "),
    ({"adapter": "long" * 2000}, "adapter=longlong"),
    ({"kv_cache": "int3"}, "kv_cache cannot be 'int3'; it takes model, fp8, int8, int4, int2"),
    ({"block_size": 0}, "block_size cannot be '0'; it takes 16, 32, 64"),
    ({"max_batch": -1}, "max_batch cannot be '-1'; it takes a number of slots from 1"),
    (
        {"attention": "flash_attention_2", "dtype": "float32"},
        "attention=flash_attention_2 does not go with dtype=float32: FlashAttention computes in float16 or bfloat16",
    ),
    ({"kv_blocks": "100000000"}, "100000000 KV blocks need "),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return checkpoints.make(tmp_path_factory.mktemp("options") / "model")


@pytest.mark.parametrize(("changes", "said"), IMPOSSIBLE)
def test_at_a_load(worker, folder, changes, said):
    line = worker.refusal(load_command(folder, **changes))
    assert line.startswith(said) and ";" in line


@pytest.mark.parametrize(("changes", "said"), IMPOSSIBLE)
def test_in_a_switch_while_a_request_runs(worker, folder, changes, said):
    worker.load(folder, kv_blocks="32")
    worker.send(Submit(requests=[request("running", max_tokens=60)]))
    line = worker.refusal(SetOptions(changes=changes))
    assert line.startswith(said) and ";" in line
    assert worker.wait_end("running").reason == "length"
    worker.send(SetOptions(changes={"max_batch": 4}))
    applied = worker.wait(OptionsApplied, when=lambda event: event.changed)
    assert applied.requested == EngineOptions(kv_blocks="32", max_batch=4)


def test_without_a_model(worker):
    worker.send(UnloadModel())
    said = "no model is loaded; load one first"
    assert worker.refusal(SetOptions(changes={"max_batch": 4})) == said
    worker.send(Submit(requests=[request("early")]))
    assert line_of(worker.wait(Failed)) == said


def test_a_toggle_that_does_not_exist(worker, folder):
    worker.load(folder)
    line = worker.refusal(SetOptions(changes={"colour": "red"}))
    assert "colour" in line


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"prefix_cache": 2}, "prefix_cache cannot be '2'; it takes on, off"),
        ({"int8_threshold": "much"}, "int8_threshold cannot be 'much'; it takes a number from 0 to 10"),
        ({"speculation": 4}, "speculation cannot be '4'; it takes off or lookup:N"),
    ],
)
def test_a_value_of_another_kind(worker, folder, changes, said):
    worker.load(folder)
    assert worker.refusal(SetOptions(changes=changes)).startswith(said)
    assert worker.refusal(SetOptions(changes=changes, at_step=1000)).startswith(said), "at once, not at that step"
    worker.send(SetOptions(changes={"int8_threshold": 3.1234567, "max_batch": "3"}))
    applied = worker.wait(OptionsApplied)
    assert (applied.requested.int8_threshold, applied.requested.max_batch) == (3.1234567, 3)


def test_a_load_is_cancelled_while_weights_come(worker, tmp_path):
    big = checkpoints.make(tmp_path / "big", layers=48, hidden=256, inner=512)
    worker.send(load_command(big, dtype="bfloat16"))
    worker.wait(ModelLoading, when=lambda event: event.stage == "weights" and event.done > 0)
    worker.send(CancelLoad())
    assert worker.wait(LoadCancelled, ModelLoaded) == LoadCancelled(model=str(big))
    assert worker.refusal(SetOptions(changes={"max_batch": 4})).startswith("no model is loaded")


def test_two_loads_and_two_cancels_in_one_breath(worker, folder):
    for _ in range(2):
        worker.send(load_command(folder))
        worker.send(CancelLoad())
    worker.wait(LoadCancelled)
    worker.wait(LoadCancelled)
    worker.load(folder)


def test_a_cancel_that_comes_too_late_hits_nothing_after_it(worker, folder):
    worker.load(folder)
    worker.send(CancelLoad())
    worker.load(folder)
    assert worker.finish(request("after the late cancel"))[0].reason == "length"
