"""What CTranslate2 can compute with on this machine."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from playground.protocol.capabilities import Capabilities, ToggleSupport, ValueSupport
from playground.speech.faults import SpeechError

ENGINE = "faster-whisper"
LIBRARIES = ("faster-whisper", "ctranslate2", "sounddevice", "soxr")
COMPUTE_TYPES = ("default", "auto", "int8", "int8_float32", "int8_float16", "int8_bfloat16", "float16", "bfloat16")


def capabilities() -> Capabilities:
    """The devices, and for each compute type whether the device of `auto` supports it."""
    device = choose("auto")
    possible = supported(device)
    values = [
        ValueSupport(value=name, possible=name in possible, reason="" if name in possible else f"not on this {device}")
        for name in (*COMPUTE_TYPES, "float32")
    ]
    toggle = ToggleSupport(name="compute_type", cost="reload", values=values)
    return Capabilities(engine=ENGINE, devices=_devices(), toggles=[toggle], versions=_versions())


def choose(device: str) -> str:
    """`cpu` or `cuda`; raises `SpeechError` for a device that is not there."""
    there = _devices()
    if device == "auto":
        return there[-1]
    if device.partition(":")[0] not in there:
        raise SpeechError(f"the recogniser cannot run on {device}", f"here it can run on {', '.join(there)}")
    return device


def check_compute_type(device: str, compute_type: str) -> None:
    """Raise `SpeechError` for a type that the device does not support."""
    possible = supported(device)
    if compute_type not in possible:
        raise SpeechError(f"{device} does not compute in {compute_type}", f"it takes {', '.join(possible)}")


def supported(device: str) -> list[str]:
    """The compute types of a device; `default` and `auto` leave it to CTranslate2."""
    import ctranslate2

    return ["default", "auto", *sorted(ctranslate2.get_supported_compute_types(device.partition(":")[0]))]


def _devices() -> list[str]:
    import ctranslate2

    return ["cpu", "cuda"] if ctranslate2.get_cuda_device_count() else ["cpu"]


def _versions() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
