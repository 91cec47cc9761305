"""The UUID of a device for NVML. Needs no GPU."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from playground.engine.device import uuid_of


def test_a_card_is_told_by_its_uuid(monkeypatch: pytest.MonkeyPatch) -> None:
    properties = SimpleNamespace(uuid="aa11")
    monkeypatch.setattr(torch.cuda, "get_device_properties", {torch.device("cuda:1"): properties}.__getitem__)
    assert uuid_of(torch.device("cuda:1")) == "aa11"
    assert uuid_of(torch.device("cpu")) == uuid_of(torch.device("mps")) == ""
