"""Finds the device that the engine runs on."""

from __future__ import annotations

import os

from playground.protocol.machine import GpuSample
from playground.telemetry.devices import find_gpu
from playground.telemetry.ledger import memory_ledger
from playground.text import numbers
from playground.tui.state.state import State


def engine_device(state: State) -> tuple[GpuSample | None, str]:
    """The sample of the engine's GPU, None on other devices, and the name of its device."""
    device, uuid = (state.facts.device, state.facts.device_uuid) if state.facts else (numbers.UNKNOWN, "")
    return find_gpu(state.machine.gpus, device, os.environ.get("CUDA_VISIBLE_DEVICES"), uuid), device


def device_bytes(state: State) -> int | None:
    """All memory of the engine's device; None if unknown."""
    return memory_ledger(state.machine, state.memory, engine_device(state)[0]).total
