"""Which GPU the memory panel shows, live and in a replay."""

from __future__ import annotations

import msgspec
import pytest

from playground.protocol.capabilities import Capabilities
from playground.protocol.events import ModelLoaded
from playground.protocol.machine import Board, GpuMemory, GpuSample, HostSample, MachineSampled
from playground.session.recording import Entry
from playground.tui.app import PlaygroundApp
from playground.tui.memory_source import device_bytes, engine_device
from playground.tui.state.state import State
from tests.model_facts import TINY_CODER
from tests.tui.cells import shown
from tests.tui.settling import settle

FACTS = msgspec.structs.replace(TINY_CODER, device="cuda:0")
GIB = 1 << 30
SLOW, FAST = GpuSample(index=0, uuid="GPU-aa11"), GpuSample(index=1, uuid="GPU-bb22")


def loaded(**facts: str) -> ModelLoaded:
    return ModelLoaded(facts=msgspec.structs.replace(FACTS, **facts), capabilities=Capabilities(engine="transformers"))


@pytest.mark.parametrize(("uuid", "gpu"), [("bb22", FAST), ("", SLOW)])
def test_the_uuid_and_not_cudas_number_says_which_card(
    monkeypatch: pytest.MonkeyPatch, uuid: str, gpu: GpuSample
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    state = State()
    state.add_event(loaded(device_uuid=uuid), 0.0)
    state.add_event(MachineSampled(time=0.0, gpus=(SLOW, FAST)), 0.0)
    assert engine_device(state)[0] == gpu


def test_memory_of_the_device_is_the_engines_and_not_the_first_cards() -> None:
    memory = GpuMemory(total=80 * GIB, used=GIB, free=79 * GIB, version="v2")
    machine = MachineSampled(
        time=0.0,
        host=HostSample(memory_total=24 * GIB, memory_used=GIB),
        gpus=(SLOW, msgspec.structs.replace(FAST, memory=memory)),
    )
    state = State()
    state.add_event(machine, 0.0)
    state.add_event(loaded(device_uuid="bb22"), 0.0)
    assert device_bytes(state) == 80 * GIB
    state.add_event(loaded(device="cpu"), 0.0)
    assert device_bytes(state) == 24 * GIB


async def test_a_replay_shows_the_card_that_was_recorded() -> None:
    card = GpuSample(
        index=0,
        uuid="GPU-cc33",
        name="NVIDIA H100",
        memory=GpuMemory(total=80 * GIB, used=20 * GIB, free=60 * GIB, version="v2"),
        board=Board(utilization_percent=97),
    )
    entries = [
        Entry(t=0.0, event=loaded(device_uuid="cc33")),
        Entry(t=0.1, event=MachineSampled(time=0.0, gpus=(card,))),
    ]
    app = PlaygroundApp(engine="transformers", replay=entries, speed=0)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        assert "20.0 of 80.0 GiB" in shown(app) and "97 %" in shown(app)
