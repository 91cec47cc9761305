"""Compares CUDA as torch sees it with the GPUs of the driver."""

from __future__ import annotations

import sys

from playground.doctor.finding import Finding
from playground.doctor.imports import Import
from playground.protocol.machine import GpuSample
from playground.telemetry.nvml import Nvml


def check_gpu(torch: Import) -> list[Finding]:
    """Check NVML, for the numbers, and CUDA, for the work."""
    nvml = Nvml()
    gpus, reason = nvml.sample()
    nvml.close()
    return [_nvml(gpus, reason), _cuda(torch, gpus)]


def _nvml(gpus: tuple[GpuSample, ...], reason: str) -> Finding:
    if not gpus:
        return Finding(name="NVML", status="missing", message=f"{reason}: GPU memory and power are not shown")
    names = ", ".join(f"{gpu.name or 'GPU'} {gpu.memory.total / 2**30:.0f} GiB" for gpu in gpus if gpu.memory)
    return Finding(name="NVML", status="ok", message=names or f"{len(gpus)} GPUs, memory unknown")


def _cuda(torch: Import, gpus: tuple[GpuSample, ...]) -> Finding:
    cuda = torch.cuda
    if cuda and cuda.available:
        return Finding(name="CUDA", status="ok", message=f"{cuda.built_for}: {', '.join(cuda.devices)}")
    if not gpus:
        return Finding(name="CUDA", status="missing", message="no NVIDIA GPU here: the CPU does the work")
    if cuda and not cuda.built_for:
        return Finding(
            name="CUDA",
            status="warn",
            message=f"there is a GPU, but torch {torch.version} is built without CUDA",
            fix=f"{sys.executable} -m pip install --force-reinstall 'torch>=2.11,<2.14'",
        )
    return Finding(
        name="CUDA",
        status="warn",
        message="there is a GPU, but torch cannot use it: the driver may be older than torch's CUDA",
        fix="nvidia-smi",
    )
