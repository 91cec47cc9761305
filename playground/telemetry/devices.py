"""Finds the NVML sample of the engine's device. CUDA and NVML number cards differently, so a known UUID decides."""

from __future__ import annotations

from collections.abc import Sequence

from playground.protocol.machine import GpuSample


def find_gpu(gpus: Sequence[GpuSample], device: str, visible: str | None = None, uuid: str = "") -> GpuSample | None:
    """The sample of torch's `device` ("cuda", "cuda:N"); None for other devices and if it is not known.

    `uuid` is the device's UUID as torch reports it (with or without GPU- / MIG-); `visible` is the worker's
    CUDA_VISIBLE_DEVICES, which `device` indexes. Without either, CUDA's N is taken as NVML's, which is right for
    identical cards. Of a card in MIG mode CUDA takes one instance; where only the card is known and it has several,
    the sample is the card's and says so.
    """
    kind, _, number = device.partition(":")
    if kind != "cuda":
        return None
    entry = _entry(visible, number or "0")
    found = _named(gpus, uuid or entry)
    if len(found) > 1:  # torch may report the card where the variable names an instance
        found = [gpu for gpu in _named(gpus, entry) if gpu in found] or found
    return _undecided(found) if len(found) > 1 else next(iter(found), None)


def _entry(visible: str | None, number: str) -> str:
    """How CUDA_VISIBLE_DEVICES names torch's device of this number; empty if it does not."""
    if visible is None:
        return number
    entries = [entry.strip() for entry in visible.split(",")]
    return entries[int(number)] if int(number) < len(entries) else ""


def _named(gpus: Sequence[GpuSample], name: str) -> list[GpuSample]:
    """The GPU, or the instances of the card, of an index or, as CUDA allows, of the beginning of a UUID."""
    if name.isdecimal():
        return [gpu for gpu in gpus if gpu.index == int(name)]
    wanted = _bare(name)
    if not wanted:
        return []
    own = [gpu for gpu in gpus if _bare(gpu.uuid).startswith(wanted)]
    instances = [gpu for gpu in gpus if _bare(gpu.parent).startswith(wanted)]
    if len(own) == 1:
        return own
    return instances if len({gpu.parent for gpu in instances}) == 1 else []


def _undecided(instances: Sequence[GpuSample]) -> GpuSample:
    """What is true of all these instances of one card: its board."""
    first = instances[0]
    why = f"CUDA took one of {len(instances)} MIG instances; name it in CUDA_VISIBLE_DEVICES"
    missing = dict.fromkeys(("name", "memory", "processes"), why)
    return GpuSample(index=first.index, uuid=first.parent, board=first.board, missing=missing)


def _bare(uuid: str | None) -> str:
    return (uuid or "").lower().removeprefix("gpu-").removeprefix("mig-")
