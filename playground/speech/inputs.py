"""The microphones of this machine through PortAudio, and why there is none or one cannot be opened."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from playground.protocol.speech import AudioInput
from playground.speech.faults import SpeechError

WAY_OUT = "or give a sound file: type its path, or drop it here"
CAPTURES = "proc/asound/card*/pcm*c/sub*/status"
CONTAINER_SIGNS = ("/.dockerenv", "/run/.containerenv")
# PortAudio's numbers (portaudio.h): the texts differ by platform
UNANTICIPATED, INVALID_DEVICE, INVALID_RATE, UNAVAILABLE = -9999, -9996, -9997, -9985


def portaudio() -> Any:
    """Import and return sounddevice, which starts PortAudio, which prints. Raises `SpeechError`."""
    try:
        import sounddevice
    except ImportError:
        raise SpeechError("sounddevice is not installed", f"pip install sounddevice, {WAY_OUT}") from None
    except OSError:
        advice = f"install it (Debian, Ubuntu: apt install libportaudio2), {WAY_OUT}"
        raise SpeechError("the PortAudio library is not installed, so no microphone can be heard", advice) from None
    return sounddevice


def list_inputs() -> list[AudioInput]:
    """List the current input devices, on the sound thread. Raises `SpeechError` if there is none."""
    sd = portaudio()
    refresh(sd)
    default = _default_index(sd)
    inputs = [
        AudioInput(
            name=str(device["name"]),
            channels=int(device["max_input_channels"]),
            rate=round(device["default_samplerate"]),
            default=index == default,
        )
        for index, device in enumerate(sd.query_devices())
        if device["max_input_channels"] > 0
    ]
    if not inputs:
        raise no_microphone()
    return inputs


def refresh(sd: Any) -> None:
    """Restart PortAudio, which looks for devices only when it starts. Call it only while no stream is open. Raises
    `SpeechError` if it does not start."""
    with suppress(sd.PortAudioError):  # after a failed start there is nothing to end
        sd._terminate()
    try:
        sd._initialize()
    except sd.PortAudioError as error:
        message = f"the sound system does not start: {_text(error)}"
        raise SpeechError(message, f"start the sound server again, {WAY_OUT}") from None


def find_input(name: str) -> tuple[Any, int, AudioInput]:
    """(sounddevice, index, device) of the device called `name`, or of the default one if empty; raises
    `SpeechError`."""
    found = list_inputs()
    sd = portaudio()
    wanted = [each for each in found if each.name == name or (not name and each.default)] or ([] if name else found)
    if not wanted:
        names = ", ".join(each.name for each in found)
        advice = f"it is unplugged or another program holds it; there are: {names}"
        raise SpeechError(f"no microphone is called {name!r} now", advice)
    inputs = [str(device["name"]) if device["max_input_channels"] > 0 else "" for device in sd.query_devices()]
    return sd, inputs.index(wanted[0].name), wanted[0]


def no_microphone(environment: Mapping[str, str] = os.environ, root: Path = Path("/")) -> SpeechError:
    """Why there is no microphone, as far as this process can see."""
    if any("state:" in _read(path) for path in root.glob(CAPTURES)):  # PortAudio lists no device in use
        return SpeechError("no microphone is free: another program holds it", f"close that program, {WAY_OUT}")
    if environment.get("SSH_CONNECTION") or environment.get("SSH_TTY"):
        message = "no microphone here: this is an SSH session, and yours is at the other end"
        return SpeechError(message, f"run the playground where the microphone is, {WAY_OUT}")
    if any((root / sign.lstrip("/")).exists() for sign in CONTAINER_SIGNS):
        message = "no microphone here: this is a container that was given no sound device"
        return SpeechError(message, f"start it with --device /dev/snd or the host's PulseAudio socket, {WAY_OUT}")
    if "microsoft" in _read(root / "proc/version").lower():
        message = "no microphone here: WSL passes it on through WSLg alone"
        return SpeechError(message, f"update WSL and install libasound2-plugins, {WAY_OUT}")
    return SpeechError("no microphone was found", f"plug one in and try again, {WAY_OUT}")


def cannot_open(name: str, error: Exception) -> SpeechError:
    """Why PortAudio could not open a device. Its errors have the arguments (text, number[, host's own])."""
    number = error.args[1] if len(error.args) > 1 else None
    text = _text(error)
    if number == UNAVAILABLE or "busy" in text.lower():
        return SpeechError(f"{name} is busy: another program holds it", f"close that program, {WAY_OUT}")
    if number in (INVALID_DEVICE, UNANTICIPATED):
        return SpeechError(f"{name} does not answer", f"plug it in again or choose another microphone, {WAY_OUT}")
    if number == INVALID_RATE:
        return SpeechError(f"{name} takes no rate that it names itself", f"choose another microphone, {WAY_OUT}")
    return SpeechError(f"{name} cannot be opened: {text}", f"choose another microphone, {WAY_OUT}")


def _text(error: Exception) -> str:
    """One line of at most 200 letters."""
    return " ".join(str(error.args[0] if error.args else error).split())[:200]


def _default_index(sd: Any) -> int:
    index = sd.default.device[0]
    return index if index >= 0 else sd.query_hostapis()[0]["default_input_device"] if sd.query_hostapis() else -1


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
