"""nvidia-ml-py itself, talking to a stub NVML: what the driver says, and what is made of its refusals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from playground.protocol.machine import Board, GpuMemory, GpuProcess, MachineSampled
from playground.protocol.metrics import Memory
from playground.telemetry.devices import find_gpu
from playground.telemetry.ledger import memory_ledger
from playground.telemetry.nvml import Nvml

GIB = 1 << 30
NOT_SUPPORTED, LIBRARY_NOT_FOUND, FUNCTION_NOT_FOUND, GPU_IS_LOST = "3", "12", "13", "15"

BOARD = Board(
    utilization_percent=91,
    power_watts=312.5,
    temperature_celsius=61,
    throttle=(),
)


def test_without_a_driver_the_reason_says_so(sample: Callable, no_nvml: Path) -> None:
    assert sample({}, library=no_nvml) == [((), "no NVML here (no NVIDIA driver)")]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("9", "NVML is here, but the NVIDIA driver is not loaded"),
        ("18", "NVML and the loaded driver differ in version (a reboot mends it)"),
        ("4", "NVML is here, but this user may not use it"),
        ("77", "NVML does not answer: a code that nvidia-ml-py does not know"),
    ],
)
def test_a_driver_that_does_not_start_says_why(sample: Callable, code: str, reason: str) -> None:
    assert sample({"nvmlInitWithFlags": code}) == [((), reason)]


def test_a_driver_without_gpus(sample: Callable) -> None:
    assert sample({"NVML_STUB_GPUS": "0"}) == [((), "NVML is here, but shows no GPU")]


def test_two_gpus_with_every_sensor(sample: Callable) -> None:
    [(gpus, reason)] = sample({"NVML_STUB_GPUS": "2"})
    first, second = gpus
    assert reason == ""
    assert (first.index, first.name, first.uuid) == (0, "Stub", "GPU-0000abc0-1111-2222-3333-444444444444")
    assert (second.index, second.uuid) == (1, "GPU-0000abc1-1111-2222-3333-444444444444")
    assert first.memory == GpuMemory(total=80 * GIB, used=10 * GIB, free=69 * GIB, reserved=GIB, version="v2")
    assert first.board == BOARD
    assert second.board.utilization_percent == 92
    assert first.missing == second.missing == {}
    assert first.parent is None


def test_memory_v1_stands_in_and_says_so(sample: Callable) -> None:
    [((gpu,), _)] = sample({"NVML_STUB_GPUS": "1", "nvmlDeviceGetMemoryInfo_v2": FUNCTION_NOT_FOUND})
    assert gpu.memory == GpuMemory(total=80 * GIB, used=11 * GIB, free=69 * GIB, reserved=None, version="v1")


def test_older_questions_are_asked_where_newer_ones_are_unknown(sample: Callable) -> None:
    newer = ("nvmlDeviceGetTemperatureV", "nvmlDeviceGetCurrentClocksEventReasons")
    unknown = dict.fromkeys(newer, FUNCTION_NOT_FOUND)
    [((gpu,), _)] = sample({"NVML_STUB_GPUS": "1", "NVML_STUB_CLOCK_REASONS": "4", **unknown})
    assert (gpu.board.temperature_celsius, gpu.board.throttle, gpu.missing) == (60, ("power cap",), {})


def test_an_unsupported_sensor_is_none_and_costs_no_other(sample: Callable) -> None:
    refused = dict.fromkeys(("nvmlDeviceGetPowerUsage", "nvmlDeviceGetUtilizationRates"), NOT_SUPPORTED)
    [((gpu,), _)] = sample({"NVML_STUB_GPUS": "1", **refused})
    assert (gpu.board.power_watts, gpu.board.utilization_percent) == (None, None)
    assert gpu.board.temperature_celsius == BOARD.temperature_celsius
    assert gpu.missing == {"power": "Not Supported", "utilization": "Not Supported"}


def test_a_name_in_a_broken_encoding_costs_the_name(sample: Callable) -> None:
    [((gpu,), _)] = sample({"NVML_STUB_GPUS": "1", "NVML_STUB_LATIN1": "1"})
    assert gpu.name is None
    assert "decode" in gpu.missing["name"]
    assert gpu.board == BOARD


def test_throttle_reasons_are_named_and_idle_is_none_of_them(sample: Callable) -> None:
    idle, slowed = sample(
        {"NVML_STUB_GPUS": "1", "NVML_STUB_CLOCK_REASONS": "1"}, {"NVML_STUB_CLOCK_REASONS": str(0x4 | 0x40)}
    )
    assert idle[0][0].board.throttle == ()
    assert slowed[0][0].board.throttle == ("power cap", "hardware thermal")


def test_mig_instances_replace_the_card_and_borrow_its_board(sample: Callable) -> None:
    refused = {"nvmlDeviceGetUtilizationRates": NOT_SUPPORTED}
    [((first, second), _)] = sample({"NVML_STUB_GPUS": "1", "NVML_STUB_MIG": "1", **refused})
    assert [first.uuid, second.uuid] == [f"MIG-00000000-0000-0000-0000-00000000000{slot}" for slot in (0, 2)]
    assert first.parent == second.parent == "GPU-0000abc0-1111-2222-3333-444444444444"
    assert first.memory == GpuMemory(total=10 * GIB, used=GIB, free=9 * GIB, reserved=0, version="v2")
    assert (first.name, first.processes, first.board.power_watts) == ("Stub MIG 1g.10gb", (), 312.5)
    assert first.missing == {"utilization": "Not Supported"}


@pytest.mark.parametrize("named", [{"uuid": "0000abc1"}, {"visible": "GPU-0000abc1"}, {"visible": "1"}])
def test_the_memory_of_one_of_two_instances_is_not_guessed(sample: Callable, named: dict[str, str]) -> None:
    [(gpus, _)] = sample({"NVML_STUB_GPUS": "2", "NVML_STUB_MIG": "1"})
    gpu = find_gpu(gpus, "cuda:0", **named)
    assert (gpu.uuid, gpu.board.power_watts) == ("GPU-0000abc1-1111-2222-3333-444444444444", 312.5)
    ledger = memory_ledger(MachineSampled(time=1.0, gpus=gpus), Memory(), gpu)
    assert ledger.used is ledger.total is None and "one of 2 MIG instances" in ledger.rows[0].note
    (second,) = [each for each in gpus if each.parent == gpu.uuid and each.uuid.endswith("2")]
    assert find_gpu(gpus, "cuda:0", second.uuid, "0000abc1").memory == second.memory


@pytest.mark.parametrize(
    "step", [{"NVML_STUB_MIG": "0"}, {"NVML_STUB_MIG": "1", "nvmlDeviceGetMaxMigDeviceCount": "3"}]
)
def test_a_card_that_is_not_cut_stays_whole(sample: Callable, step: dict[str, str]) -> None:
    [((gpu,), _)] = sample({"NVML_STUB_GPUS": "1", **step})
    assert (gpu.parent, gpu.name, gpu.missing) == (None, "Stub", {})


def test_processes_of_known_and_unknown_memory(sample: Callable) -> None:
    seen, refused = sample({"NVML_STUB_GPUS": "1"}, {"nvmlDeviceGetComputeRunningProcesses_v3": NOT_SUPPORTED})
    assert seen[0][0].processes == (GpuProcess(pid=4711, bytes=3 * GIB), GpuProcess(pid=4712, bytes=None))
    assert refused[0][0].processes is None


def test_a_gpu_that_is_lost_keeps_its_place_and_comes_back(sample: Callable) -> None:
    lost = {"nvmlDeviceGetHandleByIndex_v2": GPU_IS_LOST}
    before, gone, back = sample({"NVML_STUB_GPUS": "1"}, lost, dict.fromkeys(lost, "0"))
    [gpu] = gone[0]
    assert (gpu.index, gpu.memory, gpu.board, gpu.missing) == (0, None, Board(), {"device": "GPU is lost"})
    assert back == before


def test_sensors_of_a_lost_gpu_are_none_one_by_one(sample: Callable) -> None:
    calls = ("MemoryInfo", "MemoryInfo_v2", "PowerUsage", "UtilizationRates", "Name")
    [_, ((gpu,), reason)] = sample({"NVML_STUB_GPUS": "1"}, {f"nvmlDeviceGet{call}": GPU_IS_LOST for call in calls})
    assert gpu.missing == dict.fromkeys(("memory", "power", "utilization", "name"), "GPU is lost")
    assert (gpu.memory, gpu.board.temperature_celsius, reason) == (None, 61, "")


def test_a_driver_that_stops_answering_is_opened_again(sample: Callable) -> None:
    uninitialized = {"nvmlDeviceGetCount_v2": "1", "nvmlShutdown": "1"}
    before, gone, back = sample({"NVML_STUB_GPUS": "1"}, uninitialized, dict.fromkeys(uninitialized, "0"))
    assert gone == ((), "NVML does not answer: Uninitialized")
    assert back == before


@pytest.mark.gpu
def test_the_gpu_of_this_machine() -> None:
    gpus, reason = Nvml().sample()
    if not gpus:
        pytest.skip(reason)
    for gpu in gpus:
        assert gpu.uuid
        assert gpu.memory is None or 0 <= gpu.memory.used <= gpu.memory.total
        assert gpu.memory is not None or gpu.missing["memory"]
