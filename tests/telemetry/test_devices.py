"""From torch's device to the NVML sample."""

from __future__ import annotations

import pytest

from playground.protocol.machine import GpuSample
from playground.telemetry.devices import find_gpu

WHOLE = GpuSample(index=0, uuid="GPU-aa11bb22-0000-0000-0000-000000000001")
OTHER = GpuSample(index=1, uuid="GPU-aa99cc33-0000-0000-0000-000000000002")
CUT = "GPU-dd000000-0000-0000-0000-000000000003"
SLICE = GpuSample(index=2, uuid="MIG-11110000-0000-0000-0000-000000000004", parent=CUT)
SLICE_2 = GpuSample(index=2, uuid="MIG-22220000-0000-0000-0000-000000000005", parent=CUT)
GPUS = (WHOLE, OTHER, SLICE, SLICE_2)
WHY = "CUDA took one of 2 MIG instances; name it in CUDA_VISIBLE_DEVICES"
EITHER = GpuSample(index=2, uuid=CUT, missing={"name": WHY, "memory": WHY, "processes": WHY})


@pytest.mark.parametrize(
    ("uuid", "gpu"),
    [
        ("aa99cc33-0000-0000-0000-000000000002", OTHER),
        ("GPU-AA99CC33-0000-0000-0000-000000000002", OTHER),
        ("MIG-22220000-0000-0000-0000-000000000005", SLICE_2),
        ("22220000-0000-0000-0000-000000000005", SLICE_2),
        (CUT, EITHER),
        ("ff000000-0000-0000-0000-000000000009", None),
        ("GPU-", None),
    ],
)
def test_a_uuid_of_torch_decides(uuid: str, gpu: GpuSample | None) -> None:
    assert find_gpu(GPUS, "cuda:0", visible="0", uuid=uuid) == gpu


@pytest.mark.parametrize(
    ("visible", "device", "gpu"),
    [
        (None, "cuda", WHOLE),
        (None, "cuda:1", OTHER),
        (None, "cuda:7", None),
        ("1,0", "cuda:0", OTHER),
        ("1, 0", "cuda:1", WHOLE),
        ("1", "cuda:1", None),
        ("2", "cuda:0", EITHER),
        ("GPU-dd", "cuda:0", EITHER),
        ("GPU-aa9", "cuda:0", OTHER),
        ("GPU-aa", "cuda:0", None),
        ("MIG-22220000-0000-0000-0000-000000000005", "cuda:0", SLICE_2),
        ("", "cuda:0", None),
        ("-1", "cuda:0", None),
    ],
)
def test_visible_devices_number_what_torch_sees(visible: str | None, device: str, gpu: GpuSample | None) -> None:
    assert find_gpu(GPUS, device, visible) == gpu


def test_the_variable_decides_where_torch_reports_the_card_of_an_instance() -> None:
    assert find_gpu(GPUS, "cuda:0", visible=str(SLICE_2.uuid), uuid=CUT) == SLICE_2
    assert find_gpu(GPUS, "cuda:1", visible="0,MIG-2222", uuid=CUT) == SLICE_2
    assert find_gpu(GPUS, "cuda:0", visible="0", uuid=CUT) == EITHER


def test_the_only_instance_of_a_card_is_the_one() -> None:
    assert find_gpu((WHOLE, SLICE_2), "cuda:0", uuid=CUT) == find_gpu((WHOLE, SLICE_2), "cuda:0", "2") == SLICE_2


@pytest.mark.parametrize("device", ["cpu", "mps"])
def test_other_devices_have_no_sample(device: str) -> None:
    assert find_gpu(GPUS, device) is None


def test_without_nvml_there_is_none() -> None:
    assert find_gpu((), "cuda:0") is None
