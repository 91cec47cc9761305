"""Finds the GPU that the engine runs on."""

from __future__ import annotations

import os

from playground.telemetry.devices import find_gpu
from playground.telemetry.snapshot import GpuSample, Snapshot
from playground.text import numbers
from playground.tui.state.state import State


def engine_device(state: State, snapshot: Snapshot) -> tuple[GpuSample | None, str]:
    """The sample of the engine's GPU, None on other devices, and the name of its device."""
    device, uuid = (state.facts.device, state.facts.device_uuid) if state.facts else (numbers.UNKNOWN, "")
    return find_gpu(snapshot.gpus, device, os.environ.get("CUDA_VISIBLE_DEVICES"), uuid), device
