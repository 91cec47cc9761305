"""What NVML tells of every NVIDIA GPU (nvidia-ml-py). Each sensor is asked on its own, since NotSupported is normal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import pynvml

from playground.telemetry.snapshot import Board, GpuMemory, GpuProcess, GpuSample

WHY_NOT = {
    pynvml.NVML_ERROR_LIBRARY_NOT_FOUND: "no NVML here (no NVIDIA driver)",
    pynvml.NVML_ERROR_DRIVER_NOT_LOADED: "NVML is here, but the NVIDIA driver is not loaded",
    pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: "NVML and the loaded driver differ in version (a reboot mends it)",
    pynvml.NVML_ERROR_NO_PERMISSION: "NVML is here, but this user may not use it",
}

# GpuIdle is left out: an idle GPU lowers its clocks too, and nobody is slowed by that.
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

# The newer question first: old drivers know only the second, new ones may drop it.
CLOCK_REASONS = (pynvml.nvmlDeviceGetCurrentClocksEventReasons, pynvml.nvmlDeviceGetCurrentClocksThrottleReasons)
TEMPERATURE = (
    partial(pynvml.nvmlDeviceGetTemperatureV, sensor=pynvml.NVML_TEMPERATURE_GPU),
    partial(pynvml.nvmlDeviceGetTemperature, sensor=pynvml.NVML_TEMPERATURE_GPU),
)


class Nvml:
    """Opens NVML at the first sample, and again after it failed, so that a driver may come and go."""

    def __init__(self) -> None:
        self._open = False

    def sample(self) -> tuple[tuple[GpuSample, ...], str]:
        """Every GPU, MIG instances in place of the card that is cut into them; or none, and why."""
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
        """Gives NVML back; the next sample opens it anew."""
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
        """The first answer; older spellings of a question come after the newer one. None where none has an answer."""
        reason = ""
        for question in questions:
            try:
                return question(self.handle)
            except (pynvml.NVMLError, pynvml.NVMLLibraryMismatchError, UnicodeDecodeError) as error:
                reason = str(error)
        self.missing[sensor] = reason
        return None

    def thousandth(self, sensor: str, question: Callable[..., int]) -> float | None:
        """An answer in milliwatts or millijoules, as watts or joules."""
        answer = self.ask(sensor, question)
        return None if answer is None else answer / 1000


def _card(index: int) -> Iterator[GpuSample]:
    """One physical GPU, or its MIG instances, which have no board sensors of their own and show those of the card."""
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
    """The MIG instances of a card; empty where it has no MIG or is not cut. Slots may be vacant."""
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
    busy, memory_busy = card.ask("utilization", _utilization) or (None, None)
    return Board(
        utilization_percent=busy,
        memory_utilization_percent=memory_busy,
        power_watts=card.thousandth("power", pynvml.nvmlDeviceGetPowerUsage),
        power_limit_watts=card.thousandth("power limit", pynvml.nvmlDeviceGetEnforcedPowerLimit),
        energy_joules=card.thousandth("energy", pynvml.nvmlDeviceGetTotalEnergyConsumption),
        temperature_celsius=card.ask("temperature", *TEMPERATURE),
        sm_clock_mhz=card.ask("SM clock", partial(pynvml.nvmlDeviceGetClockInfo, type=pynvml.NVML_CLOCK_SM)),
        memory_clock_mhz=card.ask("memory clock", partial(pynvml.nvmlDeviceGetClockInfo, type=pynvml.NVML_CLOCK_MEM)),
        throttle=_throttle(card.ask("throttle", *CLOCK_REASONS)),
    )


def _utilization(card: Any) -> tuple[int, int]:
    rates = pynvml.nvmlDeviceGetUtilizationRates(card)
    return rates.gpu, rates.memory


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
