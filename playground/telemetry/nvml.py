"""Sensors of every NVIDIA GPU, read by NVML (nvidia-ml-py), each on its own, since NotSupported is normal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import pynvml

from playground.protocol.machine import Board, GpuMemory, GpuProcess, GpuSample

WHY_NOT = {
    pynvml.NVML_ERROR_LIBRARY_NOT_FOUND: "no NVML here (no NVIDIA driver)",
    pynvml.NVML_ERROR_DRIVER_NOT_LOADED: "NVML is here, but the NVIDIA driver is not loaded",
    pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: "NVML and the loaded driver differ in version (a reboot mends it)",
    pynvml.NVML_ERROR_NO_PERMISSION: "NVML is here, but this user may not use it",
}

# GpuIdle is left out: an idle GPU lowers its clocks too, which slows nothing down.
THROTTLE = {
    pynvml.nvmlClocksEventReasonApplicationsClocksSetting: "clocks set by hand",
    pynvml.nvmlClocksEventReasonSwPowerCap: "power cap",
    pynvml.nvmlClocksEventReasonHwSlowdown: "hardware slowdown",
    pynvml.nvmlClocksEventReasonSyncBoost: "sync boost",
    pynvml.nvmlClocksEventReasonSwThermalSlowdown: "thermal",
    pynvml.nvmlClocksEventReasonHwThermalSlowdown: "hardware thermal",
    pynvml.nvmlClocksEventReasonHwPowerBrakeSlowdown: "power brake",
    pynvml.nvmlClocksEventReasonDisplayClockSetting: "display clocks",
}

# The newer function first: old drivers know only the second, new ones may drop it.
CLOCK_REASONS = (pynvml.nvmlDeviceGetCurrentClocksEventReasons, pynvml.nvmlDeviceGetCurrentClocksThrottleReasons)
TEMPERATURE = (
    partial(pynvml.nvmlDeviceGetTemperatureV, sensor=pynvml.NVML_TEMPERATURE_GPU),
    partial(pynvml.nvmlDeviceGetTemperature, sensor=pynvml.NVML_TEMPERATURE_GPU),
)


class Nvml:
    """The sensors of all GPUs. Opens NVML at the first sample, and again after a failure: a driver may come and go."""

    def __init__(self) -> None:
        self._open = False

    def sample(self) -> tuple[tuple[GpuSample, ...], str]:
        """Read every GPU, with MIG instances in place of their card; returns (samples, why there are none)."""
        try:
            if not self._open:
                pynvml.nvmlInit()
                self._open = True
            count = pynvml.nvmlDeviceGetCount()
        except pynvml.NVMLError as error:
            self.close()
            return (), WHY_NOT.get(error.value, f"NVML does not answer: {error}")
        gpus = tuple(gpu for index in range(count) for gpu in _card(index))
        return gpus, "" if gpus else "NVML is here, but shows no GPU"

    def close(self) -> None:
        """Close NVML; the next sample opens it again."""
        if self._open:
            self._open = False
            with suppress(pynvml.NVMLError):
                pynvml.nvmlShutdown()


class _Device:
    """One NVML handle, asked sensor by sensor; `missing` keeps why a sensor gave nothing."""

    def __init__(self, handle: Any) -> None:
        self.handle = handle
        self.missing: dict[str, str] = {}

    def ask(self, sensor: str, *questions: Callable[..., Any]) -> Any:
        """The first answer of functions given from new to old; None if none of them answers."""
        reason = ""
        for question in questions:
            try:
                return question(self.handle)
            except (pynvml.NVMLError, pynvml.NVMLLibraryMismatchError, UnicodeDecodeError) as error:
                reason = str(error)
        self.missing[sensor] = reason
        return None


def _card(index: int) -> Iterator[GpuSample]:
    """Sample one physical GPU, or its MIG instances, which have no board sensors and show those of the card."""
    try:
        card = _Device(pynvml.nvmlDeviceGetHandleByIndex(index))
    except pynvml.NVMLError as error:
        yield GpuSample(index=index, missing={"device": str(error)})
        return
    board = _board(card)
    instances = _mig_instances(card.handle)
    if not instances:
        yield _gpu(card, board, index)
        return
    parent = card.ask("parent", pynvml.nvmlDeviceGetUUID)
    for instance in instances:
        instance.missing.update(card.missing)
        yield _gpu(instance, board, index, parent)


def _mig_instances(card: Any) -> list[_Device]:
    """The MIG instances of a card; empty without MIG or instances. Slots may be vacant."""
    instances = []
    with suppress(pynvml.NVMLError):
        if pynvml.nvmlDeviceGetMigMode(card)[0] == pynvml.NVML_DEVICE_MIG_ENABLE:
            for slot in range(pynvml.nvmlDeviceGetMaxMigDeviceCount(card)):
                with suppress(pynvml.NVMLError):
                    instances.append(_Device(pynvml.nvmlDeviceGetMigDeviceHandleByIndex(card, slot)))
    return instances


def _gpu(device: _Device, board: Board, index: int, parent: str | None = None) -> GpuSample:
    return GpuSample(
        index=index,
        uuid=device.ask("uuid", pynvml.nvmlDeviceGetUUID),
        parent=parent,
        name=device.ask("name", pynvml.nvmlDeviceGetName),
        memory=device.ask("memory", _memory_v2, _memory_v1),
        board=board,
        processes=device.ask("processes", _processes),
        missing=device.missing,
    )


def _board(card: _Device) -> Board:
    return Board(
        utilization_percent=card.ask("utilization", _utilization),
        power_watts=card.ask("power", _power_watts),
        temperature_celsius=card.ask("temperature", *TEMPERATURE),
        throttle=_throttle(card.ask("throttle", *CLOCK_REASONS)),
    )


def _utilization(card: Any) -> int:
    percent: int = pynvml.nvmlDeviceGetUtilizationRates(card).gpu
    return percent


def _power_watts(card: Any) -> float:
    milliwatts: int = pynvml.nvmlDeviceGetPowerUsage(card)
    return milliwatts / 1000


def _throttle(reasons: int | None) -> tuple[str, ...] | None:
    return None if reasons is None else tuple(name for bit, name in THROTTLE.items() if reasons & bit)


def _memory_v2(device: Any) -> GpuMemory:
    info = pynvml.nvmlDeviceGetMemoryInfo(device, version=pynvml.nvmlMemory_v2)
    return GpuMemory(total=info.total, used=info.used, free=info.free, reserved=info.reserved, version="v2")


def _memory_v1(device: Any) -> GpuMemory:
    info = pynvml.nvmlDeviceGetMemoryInfo(device)
    return GpuMemory(total=info.total, used=info.used, free=info.free, version="v1")


def _processes(device: Any) -> tuple[GpuProcess, ...]:
    running = pynvml.nvmlDeviceGetComputeRunningProcesses(device)
    return tuple(GpuProcess(pid=process.pid, bytes=process.usedGpuMemory) for process in running)
