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


@pytest.mark.parametrize(
    ("uuid", "gpu"),
    [
        ("aa99cc33-0000-0000-0000-000000000002", OTHER),
        ("GPU-AA99CC33-0000-0000-0000-000000000002", OTHER),
        ("MIG-22220000-0000-0000-0000-000000000005", SLICE_2),
        ("22220000-0000-0000-0000-000000000005", SLICE_2),
        (CUT, SLICE),
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
        ("2", "cuda:0", SLICE),
        ("GPU-aa9", "cuda:0", OTHER),
        ("GPU-aa", "cuda:0", None),
        ("MIG-22220000-0000-0000-0000-000000000005", "cuda:0", SLICE_2),
        ("", "cuda:0", None),
        ("-1", "cuda:0", None),
    ],
)
def test_visible_devices_number_what_torch_sees(visible: str | None, device: str, gpu: GpuSample | None) -> None:
    assert find_gpu(GPUS, device, visible) == gpu


@pytest.mark.parametrize("device", ["cpu", "mps"])
def test_other_devices_have_no_sample(device: str) -> None:
    assert find_gpu(GPUS, device) is None


def test_without_nvml_there_is_none() -> None:
    assert find_gpu((), "cuda:0") is None
