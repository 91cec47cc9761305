"""Finds the NVML sample of the engine's device. CUDA and NVML number cards differently, so a known UUID decides."""

from __future__ import annotations

from collections.abc import Sequence

from playground.protocol.machine import GpuSample


def find_gpu(gpus: Sequence[GpuSample], device: str, visible: str | None = None, uuid: str = "") -> GpuSample | None:
    """The sample of torch's `device` ("cuda", "cuda:N"); None for other devices and if it is not known.

    `uuid` is the device's UUID as torch reports it (with or without GPU- / MIG-); `visible` is the worker's
    CUDA_VISIBLE_DEVICES, which `device` indexes. Without either, CUDA's N is taken as NVML's, which is right for
    identical cards.
    """
    kind, _, number = device.partition(":")
    if kind != "cuda":
        return None
    if uuid:
        return _by_name(gpus, uuid)
    if visible is None:
        return _by_name(gpus, number or "0")
    entries = [entry.strip() for entry in visible.split(",")]
    position = int(number or "0")
    return _by_name(gpus, entries[position]) if position < len(entries) else None


def _by_name(gpus: Sequence[GpuSample], name: str) -> GpuSample | None:
    """Find a card by index, or by the beginning of a UUID, as CUDA allows. Of a card in MIG mode CUDA takes the first
    instance."""
    if name.isdecimal():
        return next((gpu for gpu in gpus if gpu.index == int(name)), None)
    wanted = _bare(name)
    if not wanted:
        return None
    own = [gpu for gpu in gpus if _bare(gpu.uuid).startswith(wanted)]
    instances = [gpu for gpu in gpus if _bare(gpu.parent).startswith(wanted)]
    return own[0] if len(own) == 1 else next(iter(instances), None)


def _bare(uuid: str | None) -> str:
    return (uuid or "").lower().removeprefix("gpu-").removeprefix("mig-")
