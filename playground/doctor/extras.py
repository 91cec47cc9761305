"""Checks what only some features need: speech and vLLM."""

from __future__ import annotations

import sys
from ctypes.util import find_library
from importlib import metadata
from importlib.util import find_spec

from playground.config import worker_python
from playground.doctor.finding import PIP, Finding
from playground.doctor.imports import try_imports
from playground.engine.backends.vllm.support import own_environment, package
from playground.toml_file import ConfigError

VLLM = "0.32."
LIGHT = ["msgspec", "platformdirs", "psutil"]  # what our worker imports besides vLLM


def check_speech() -> list[Finding]:
    """Check the transcriber and the microphone without importing either."""
    return [_whisper(), _microphone()]


def check_vllm() -> list[Finding]:
    """Check vLLM in the interpreter of the settings; imported in a child, and only if it is installed."""
    python = _vllm_python()
    imports = try_imports(["vllm", "torchvision", *LIGHT], python)
    vllm, torchvision = imports["vllm"], imports["torchvision"]
    if not vllm.found:
        message = f"is not installed for {python}; only the vllm engine needs it"
        return [Finding(name="vllm", status="missing", message=message, fix=own_environment())]
    if vllm.error:
        return [Finding(name="vllm", status="warn", message=vllm.error, fix=vllm.fix(python))]
    if not vllm.version.startswith(VLLM):
        message = f"is {vllm.version}, and this program works with {VLLM}*"
        fix = f"{python} -m pip install '{package()}'"
        return [Finding(name="vllm", status="warn", message=message, fix=fix)]
    if torchvision.error:  # vLLM imports it only once a model is loaded
        return [Finding(name="vllm", status="warn", message=torchvision.error, fix=torchvision.fix(python))]
    if missing := [name for name in LIGHT if not imports[name].found]:
        message, fix = f"{python} lacks {', '.join(missing)}", f"{python} -m pip install {' '.join(missing)}"
        return [Finding(name="vllm", status="warn", message=message, fix=fix)]
    return [Finding(name="vllm", status="ok", message=f"{vllm.version}, run by {python}")]


def _whisper() -> Finding:
    try:
        return Finding(name="faster-whisper", status="ok", message=metadata.version("faster-whisper"))
    except metadata.PackageNotFoundError:
        message = "is not installed; only speech needs it"
        return Finding(name="faster-whisper", status="missing", message=message, fix=f"{PIP} faster-whisper")


def _microphone() -> Finding:
    # The wheels of sounddevice contain PortAudio everywhere but on Linux.
    if sys.platform == "linux" and not find_library("portaudio"):
        message = "its library is not installed; only the microphone needs it"
        return Finding(name="PortAudio", status="missing", message=message, fix="sudo apt-get install libportaudio2")
    if not find_spec("sounddevice"):
        message = "sounddevice is not installed; only the microphone needs it"
        return Finding(name="PortAudio", status="missing", message=message, fix=f"{PIP} sounddevice")
    return Finding(name="PortAudio", status="ok", message=f"sounddevice {metadata.version('sounddevice')}")


def _vllm_python() -> str:
    try:
        return worker_python("vllm")
    except ConfigError:
        return sys.executable
