"""One side of a comparison as it is typed: toggles, a model, an engine; and how two sides differ."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from playground import paths
from playground.bench.compare.verdict import name_of
from playground.protocol.commands import LoadModel
from playground.protocol.option_text import parse_assignment
from playground.protocol.options import ENGINES, EngineOptions, Value, as_text, changed_names, with_changes
from playground.text.plain import one_line

FORM = "TOGGLE=VALUE,..., model=PATH and engine=NAME among them"
OF_CHECKPOINTS = ("transformers", "vllm")
SHOWN = 80  # characters of a model name in a message
OWN_MODELS = {"scripted": "scripted"}


class SideChanges(NamedTuple):
    """The changes typed for one side."""

    toggles: dict[str, Value]
    model: str = ""
    engine: str = ""


class SideSpec(msgspec.Struct, frozen=True):
    """A model on an engine with its toggles."""

    engine: str
    load: LoadModel

    @property
    def options(self) -> EngineOptions:
        """The toggles of this side."""
        return self.load.options

    def with_changes(self, changes: SideChanges) -> SideSpec:
        """This side with the typed changes."""
        engine = {"": self.engine, "auto": "transformers"}.get(changes.engine, changes.engine)
        model = changes.model or (self.load.model if engine == self.engine else OWN_MODELS.get(engine, self.load.model))
        options = with_changes(self.options, changes.toggles)
        return msgspec.structs.replace(
            self, engine=engine, load=msgspec.structs.replace(self.load, model=model, options=options)
        )

    def shares_worker(self, other: SideSpec) -> bool:
        """Whether the sides differ in toggles only."""
        return (self.engine, self.load.model) == (other.engine, other.load.model)


def parse_side(text: str) -> SideChanges:
    """Parse text in the form of `FORM`; raises `ValueError`."""
    changes: dict[str, Value] = {}
    words = {"model": "", "engine": ""}
    for part in text.split(","):
        name, _, value = part.partition("=")
        if name.strip() not in words:
            changes |= [parse_assignment(part)]
        elif value.strip():
            words[name.strip()] = value.strip()
        else:
            raise ValueError(f"{name.strip()} needs a value: {FORM}")
    if words["engine"] and words["engine"] not in ENGINES:
        raise ValueError(f"engine cannot be {words['engine']!r}; there are: {', '.join(ENGINES)}")
    return SideChanges(changes, **words)


def why_not_there(side: SideSpec) -> str:
    """Why the model of a side clearly cannot be loaded; empty if only its engine can tell."""
    model, shown = side.load.model, one_line(side.load.model, SHOWN)
    if side.engine not in OF_CHECKPOINTS:
        return ""
    with suppress(OSError, RuntimeError):  # a name that no file system accepts
        folder = paths.model_folder(model)
        if folder.is_dir():
            return _why_no_config(folder / "config.json", shown)
        if folder.is_file():
            return f"{shown} is a file; name the folder that holds config.json and the weights"
    hub = model.count("/") == 1 and not model.startswith(paths.LOCAL)
    return "" if hub else f"there is no {shown}; check the spelling, or name a hub id such as owner/model"


def _why_no_config(file: Path, shown: str) -> str:
    try:
        readable = isinstance(json.loads(file.read_text()), dict)
    except FileNotFoundError:
        return f"{shown} has no config.json; name the folder of a checkpoint"
    except (OSError, ValueError):
        readable = False
    return "" if readable else f"config.json of {shown} cannot be read; fetch the checkpoint again"


def verdict_name(a: SideSpec, b: SideSpec) -> str:
    """The name of B in a verdict."""
    if a.load.model != b.load.model:
        return os.path.basename(b.load.model.rstrip("/"))
    if a.engine != b.engine:
        return b.engine
    return name_of({name: as_text(b.options)[name] for name in changed_names(a.options, b.options)})


def describe_difference(own: SideSpec, other: SideSpec) -> str:
    """What one side has and the other has not."""
    parts = [f"{name}={as_text(own.options)[name]}" for name in changed_names(own.options, other.options)]
    if own.load.model != other.load.model:
        parts.insert(0, f"model={own.load.model}")
    if own.engine != other.engine:
        parts.insert(0, f"engine={own.engine}")
    return " ".join(parts)
