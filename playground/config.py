"""The permanent settings of a user, in `config.toml`. Flags of the command line win over them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from playground import paths
from playground.toml_file import ConfigError, find_file, read_toml

VLLM_PYTHON = "PLAYGROUND_VLLM_PYTHON"


class VllmSettings(msgspec.Struct, frozen=True):
    """`python`: the interpreter of the environment with vLLM; None means this one. `executor`: what runs vLLM's
    workers; auto is this process, or processes of this machine under --tensor-parallel. `in_flight`: what a restart for
    a toggle does to running requests: resubmit them with their output so far, or end them."""

    python: str | None = None
    executor: Literal["auto", "mp", "ray"] = "auto"
    in_flight: Literal["resubmit", "end"] = "resubmit"


class SpeechSettings(msgspec.Struct, frozen=True):
    """`model`: a recogniser's folder, size or hub id; empty is the bundled one. `input`: a microphone's name; empty is
    the system's choice. `keep_audio`: a recorded session keeps the audio of the microphone, as WAV."""

    model: str = ""
    input: str = ""
    compute_type: str = "default"
    language: str = "auto"
    beam: int = 5
    keep_audio: bool = False


class OpenAISettings(msgspec.Struct, frozen=True):
    """`timeout_s`: seconds of silence after which a request to a server fails."""

    timeout_s: Annotated[float, msgspec.Meta(gt=0)] = 60.0


class EngineSettings(msgspec.Struct, frozen=True):
    """Settings of single engines."""

    vllm: VllmSettings = VllmSettings()
    openai: OpenAISettings = OpenAISettings()


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """`model_folders`: where the model picker looks for checkpoints besides the bundled ones and the hub cache.
    `history`: whether runs are kept."""

    theme: str = "dark"
    preset: str = "default"
    model_folders: list[str] = []
    history: bool = True
    engines: EngineSettings = EngineSettings()
    speech: SpeechSettings = SpeechSettings()

    def model_paths(self) -> list[Path]:
        """The model folders, with `~` expanded."""
        return [Path(folder).expanduser() for folder in self.model_folders]


def load_settings(path: Path | None = None) -> Settings:
    """Read the settings, or the defaults without a file; raises `ConfigError`."""
    path = path or paths.config_file()
    if not path.exists():
        return Settings()
    file = read_toml(path)
    settings = file.as_struct(Settings)
    for key, folders in (("theme", paths.theme_folders()), ("preset", paths.preset_folders())):
        try:
            find_file(key, getattr(settings, key), folders)
        except ConfigError as error:
            raise file.error((key,), str(error)) from None
    return settings


def worker_python(engine: str) -> str:
    """The interpreter of an engine's worker: for vLLM that of PLAYGROUND_VLLM_PYTHON, or else of the settings; raises
    `ConfigError`."""
    python = os.environ.get(VLLM_PYTHON) or load_settings().engines.vllm.python if engine == "vllm" else None
    return str(Path(python).expanduser()) if python else sys.executable
