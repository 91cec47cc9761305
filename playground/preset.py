"""Presets: a model, an engine, its toggles, sampling, a view and prompts to begin with, one TOML file each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from playground import paths
from playground.protocol.commands import SamplingParams
from playground.protocol.option_text import OptionError, parse_value
from playground.protocol.options import DEFAULTS, EngineName, EngineOptions, Value, format_value, with_changes
from playground.toml_file import ConfigError, TomlFile, find_file, named_files, read_toml

ScreenName = Literal["playground", "batching", "compare", "bench", "inside", "history"]
Panel = Literal["", "toggles", "conversation", "speed", "memory", "switch", "timeline", "batch"]

SAMPLING_LIMITS: dict[str, Any] = {
    "max_tokens": Annotated[int, Meta(ge=1)],
    "temperature": Annotated[float, Meta(ge=0, le=10)],
    "top_k": Annotated[int, Meta(ge=0)],
    "top_p": Annotated[float, Meta(gt=0, le=1)],
    "min_p": Annotated[float, Meta(ge=0, le=1)],
    "repetition_penalty": Annotated[float, Meta(gt=0, le=10)],
    "seed": Annotated[int, Meta(ge=0)],
    "stop": list[Annotated[str, Meta(min_length=1)]],
}


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What the screen shows first: one of the six, one of its panels maximized, digits enlarged for a room."""

    screen: ScreenName = "playground"
    maximized: Panel = ""
    big_numbers: bool = False


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    """`model` empty means the bundled one, or what is loaded; `options` are changes to the default toggles, as
    `SetOptions` takes them."""

    title: str
    summary: str
    model: str = ""
    engine: EngineName = "auto"
    options: dict[str, Value] = {}
    sampling: SamplingParams = SamplingParams()
    view: View = View()
    prompts: list[Annotated[str, Meta(min_length=1)]] = []

    def engine_options(self, changes: dict[str, Value] | None = None) -> EngineOptions:
        """All toggles: the preset's over the defaults, `changes` over both."""
        return with_changes(DEFAULTS, self.options | (changes or {}))


def load_preset(name: str) -> Preset:
    """Read a preset by name, the user's own first; raises `ConfigError`."""
    return read_preset(find_file("preset", name, paths.preset_folders()))


def load_presets() -> dict[str, Preset | ConfigError]:
    """Every preset by name, or what is wrong with its file."""
    found: dict[str, Preset | ConfigError] = {}
    for name, path in named_files(paths.preset_folders()).items():
        try:
            found[name] = read_preset(path)
        except ConfigError as error:
            found[name] = error
    return found


def read_preset(path: Path) -> Preset:
    """Read and check one file; raises `ConfigError`."""
    file = read_toml(path)
    preset = file.as_struct(Preset)
    for name, value in file.data.get("sampling", {}).items():
        if name in SAMPLING_LIMITS:
            file.value(SAMPLING_LIMITS[name], value, ("sampling", name))
    return msgspec.structs.replace(preset, options=_parse_options(file, preset.options))


def _parse_options(file: TomlFile, written: dict[str, Value]) -> dict[str, Value]:
    options: dict[str, Value] = {}
    for name, value in written.items():
        try:
            options[name] = parse_value(name, format_value(value))
        except OptionError as error:
            raise file.error(("options", name), str(error)) from None
    return options
