"""Which GPU the memory panel shows."""

from __future__ import annotations

import msgspec
import pytest

from playground.protocol.capabilities import Capabilities
from playground.protocol.events import ModelLoaded
from playground.protocol.model_facts import ModelFacts
from playground.telemetry.snapshot import GpuSample, Snapshot
from playground.tui.memory_source import engine_device
from playground.tui.state.state import State

FACTS = ModelFacts(
    name="m",
    path="m",
    architecture="m",
    parameters=1,
    weights_bytes=1,
    dtype="float16",
    device="cuda:0",
    layers=1,
    vocabulary=1,
    context=1,
    kv_bytes_per_token=1,
)
SLOW, FAST = GpuSample(index=0, uuid="GPU-aa11"), GpuSample(index=1, uuid="GPU-bb22")


@pytest.mark.parametrize(("uuid", "gpu"), [("bb22", FAST), ("", SLOW)])
def test_the_uuid_and_not_cudas_number_says_which_card(
    monkeypatch: pytest.MonkeyPatch, uuid: str, gpu: GpuSample
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    state, facts = State(), msgspec.structs.replace(FACTS, device_uuid=uuid)
    state.add_event(ModelLoaded(facts=facts, capabilities=Capabilities(engine="transformers")), 0.0)
    assert engine_device(state, Snapshot(time=0.0, gpus=(SLOW, FAST)))[0] == gpu
