"""The device that the engine runs on: waiting for it, and its name for NVML."""

from __future__ import annotations

import torch


def wait(device: torch.device) -> None:
    """Wait until the device has finished its work: a GPU runs behind the host."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def uuid_of(device: torch.device) -> str:
    """The UUID of a GPU, which no mask or order of GPUs changes; empty for other devices."""
    return str(torch.cuda.get_device_properties(device).uuid) if device.type == "cuda" else ""
