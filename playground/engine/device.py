"""The device that the engine runs on, as a clock must know it, and by the name that NVML knows it by."""

from __future__ import annotations

import torch


def wait(device: torch.device) -> None:
    """Until it has done all that it was given: a GPU runs behind the host."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def uuid_of(device: torch.device) -> str:
    """A card's own name, which no mask or order of cards changes; empty for what is none."""
    return str(torch.cuda.get_device_properties(device).uuid) if device.type == "cuda" else ""
