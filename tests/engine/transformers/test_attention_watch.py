"""After a switch one layer is watched, not the step: the first step costs little more than the next."""

from __future__ import annotations

from typing import Any

import pytest

from playground.engine.backends.transformers.attention import KernelWatch
from tests.engine.transformers.conftest import Member
from tests.engine.transformers.driven import Driven, ask


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every operator that was watched, by name."""
    names: list[str] = []
    dispatch = KernelWatch.__torch_dispatch__

    def count(self: KernelWatch, func: Any, *rest: Any) -> Any:
        names.append(func._schema.name.partition("::")[2])
        return dispatch(self, func, *rest)

    monkeypatch.setattr(KernelWatch, "__torch_dispatch__", count)
    return names


@pytest.mark.parametrize(("name", "every"), [("llama", False), ("mistral-sliding", True)])
def test_one_layer_of_a_kind_is_watched(member: Member, watched: list[str], name: str, every: bool) -> None:
    driven = Driven(member(name).folder)
    driven.submit(ask(member(name).prompts[:1], 40, ignore_eos=True))
    driven.backend.step()
    driven.backend.step()
    layers = driven.backend._engine.loaded.model.config.num_hidden_layers
    assert layers > 1
    for value, scores in (("eager", "softmax"), ("sdpa-flash", "_scaled_dot_product_flash_attention_for_cpu")):
        watched.clear()
        assert driven.set(attention=value).effective["attention_decode"] == "–"
        driven.backend.step()
        assert driven.backend._announced["attention_decode"] == value
        assert sum(scores in operator for operator in watched) == (layers if every else 1)
        seen = len(watched)
        driven.backend.step()
        assert len(watched) == seen, "the next step just runs"
