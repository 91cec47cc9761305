"""dtype=auto: the checkpoint's, but float32 on a CPU that only imitates its 16 bits; and the reason that is shown."""

from __future__ import annotations

import pytest
import torch

from playground import paths
from playground.engine.backends.transformers import pretrained
from tests.engine.transformers.driven import Driven
from tests.engine.transformers.reference import DEVICE

pytestmark = pytest.mark.skipif(DEVICE != "cpu" or not torch.backends.mkldnn.is_available(), reason="it is of CPUs")


def loaded(monkeypatch: pytest.MonkeyPatch, native: bool, **options: str) -> tuple[str, str]:
    """Effective dtype of tiny-coder, a checkpoint in bfloat16, and the reason, on a CPU that computes in it or not."""
    monkeypatch.setitem(pretrained.NATIVE, torch.bfloat16, lambda: native)
    said = Driven(paths.bundled_model(), **({"dtype": "auto"} | options)).set(max_batch=2)
    return said.effective["dtype"], said.reasons.get("dtype", "")


def test_a_cpu_that_imitates_bfloat16_computes_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    assert loaded(monkeypatch, native=False) == ("float32", "this CPU only imitates bfloat16: float32 is quicker")


def test_a_cpu_that_has_bfloat16_computes_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert loaded(monkeypatch, native=True) == ("bfloat16", "")


def test_what_is_asked_for_is_had(monkeypatch: pytest.MonkeyPatch) -> None:
    assert loaded(monkeypatch, native=False, dtype="bfloat16") == ("bfloat16", "")


def test_without_room_for_float32_it_stays_as_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    size = (paths.bundled_model() / "model.safetensors").stat().st_size
    monkeypatch.setattr(pretrained, "available", lambda device: int(1.5 * size))
    assert loaded(monkeypatch, native=False) == ("bfloat16", "")
