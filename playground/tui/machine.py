"""What the memory panel is shown: the engine's account beside the machine's."""

from __future__ import annotations

import os

from playground.protocol.metrics import Memory
from playground.telemetry.devices import find_gpu
from playground.telemetry.snapshot import GpuSample, Snapshot
from playground.tui.state.state import State


def memory_view(state: State, snapshot: Snapshot) -> tuple[Memory, Snapshot, GpuSample | None, str]:
    """The engine's memory, the machine, the engine's GPU if it has one, and the name of its device."""
    device, uuid = (state.facts.device, state.facts.device_uuid) if state.facts else ("–", "")
    gpu = find_gpu(snapshot.gpus, device, os.environ.get("CUDA_VISIBLE_DEVICES"), uuid)
    return state.memory, snapshot, gpu, device
