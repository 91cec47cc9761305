"""Which GPU vLLM is given, and under which name it is reported. Needs no vLLM and no GPU."""

from __future__ import annotations

import os

import pytest

from playground.engine.backends.base import EngineError
from playground.engine.backends.vllm import start
from playground.engine.backends.vllm.start import device_name, prepare, visible_devices
from playground.protocol.commands import LoadModel
from playground.protocol.options import EngineOptions


@pytest.mark.parametrize(
    ("device", "mask", "seen"),
    [
        ("cuda:1", None, "1"),
        ("cuda:1", "2,3", "3"),
        ("cuda:0", " 2 , 3", "2"),
        ("cuda:1", "GPU-aa11,MIG-bb22", "MIG-bb22"),
        ("auto", "2,3", "2,3"),
        ("auto", None, None),
        ("cpu", "", ""),
    ],
)
def test_a_card_is_counted_among_those_that_the_user_shows(device: str, mask: str | None, seen: str | None) -> None:
    assert visible_devices(device, mask) == seen


@pytest.mark.parametrize("mask", ["3", ""])
def test_a_card_that_the_user_does_not_show_is_refused(mask: str) -> None:
    with pytest.raises(EngineError, match="CUDA_VISIBLE_DEVICES"):
        visible_devices("cuda:1", mask)


@pytest.mark.parametrize("mask", ["2,3", None])
def test_the_users_own_choice_comes_back_with_the_next_load(monkeypatch: pytest.MonkeyPatch, mask: str | None) -> None:
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.setattr(start, "_user_devices", mask)
    for device, seen in (("cuda:1", "3" if mask else "1"), ("cuda:0", "2" if mask else "0"), ("auto", mask)):
        prepare(LoadModel(model="m", options=EngineOptions(device=device)))
        assert os.environ.get("CUDA_VISIBLE_DEVICES") == seen


@pytest.mark.parametrize(
    ("kind", "asked", "name"),
    [("cuda", "cuda:1", "cuda:1"), ("cuda", "auto", "cuda"), ("cpu", "auto", "cpu")],
)
def test_a_card_keeps_the_number_that_it_was_asked_for_by(kind: str, asked: str, name: str) -> None:
    assert device_name(kind, asked) == name
