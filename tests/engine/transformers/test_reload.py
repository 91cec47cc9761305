"""A dtype is changed by loading again: the previous model is freed, any number of times."""

from __future__ import annotations

import weakref
from pathlib import Path

import pytest
import torch

from playground.engine.backends.transformers import backend
from tests.engine.transformers.conftest import Member
from tests.engine.transformers.driven import Driven, ask
from tests.engine.transformers.reference import DEVICE, prompts

DTYPES = ("bfloat16", "float32")


def test_the_model_before_is_gone_when_memory_is_given_back(member: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    driven = Driven(member("llama").folder)
    model = weakref.ref(driven.backend._engine.loaded.model)
    given: list[tuple[str, bool]] = []
    monkeypatch.setattr(backend, "give_back", lambda device: given.append((device.type, model() is None)))
    driven.set(dtype="bfloat16")
    assert set(given) == {(torch.device(DEVICE).type, True)}


def test_compile_is_there_after_any_number_of_loads(member: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dynamo allows eight graphs of one function, and those of freed models would count."""
    driven = traced(member("llama-64").folder, monkeypatch)
    for number, dtype in enumerate(DTYPES * 4):
        assert driven.set(dtype=dtype).effective["compile"] == "on"
        driven.run(ask(prompts()[:2], 4, name=f"{number}", ignore_eos=True))
        assert driven.backend._engine.compile.compiled.recompiled == 0
    for number in range(4):
        for changes in ({"compile": False, "weights": "int8"}, {"weights": "model"}, {"compile": True}):
            driven.set(**changes)
        driven.run(ask(prompts()[:2], 4, name=f"w{number}", ignore_eos=True))
    assert driven.set(max_batch=3).effective["compile"] == "on"
    torch._dynamo.reset()


def traced(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Driven:
    """Graphs are traced but not compiled, which would take minutes."""
    from torch._inductor import compile_fx

    monkeypatch.setattr(compile_fx, "compile_fx", lambda graph, inputs, **options: graph.forward)
    return Driven(folder, compile=True)
