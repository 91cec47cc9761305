"""The device that the engine runs on, as a clock must know it."""

from __future__ import annotations

import torch


def wait(device: torch.device) -> None:
    """Until it has done all that it was given: a GPU runs behind the host."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
