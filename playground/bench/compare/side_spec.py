"""One side of a comparison as it is typed: toggles, a model, an engine; and how two sides differ."""

from __future__ import annotations

import os
from typing import NamedTuple

import msgspec

from playground import paths
from playground.bench.compare.verdict import name_of
from playground.protocol.commands import LoadModel
from playground.protocol.option_text import parse_assignment
from playground.protocol.options import ENGINES, EngineOptions, Value, as_text, changed_names, with_changes

FORM = "TOGGLE=VALUE,..., model=PATH and engine=NAME among them"
OWN_MODELS = {"scripted": "scripted", "openai": ""}  # no checkpoints; a server names the only one that it has


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
        load = msgspec.structs.replace(
            self.load,
            model=changes.model or self._model_on(engine),
            options=with_changes(self.options, changes.toggles),
            url=self.load.url if engine == "openai" else "",
        )
        return msgspec.structs.replace(self, engine=engine, load=load)

    def _model_on(self, engine: str) -> str:
        """The model of this side on an engine, as far as it has it."""
        if engine == self.engine:
            return self.load.model
        own = "" if self.load.model == OWN_MODELS.get(self.engine) else self.load.model
        return OWN_MODELS.get(engine, own or str(paths.bundled_model()))

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


def verdict_name(a: SideSpec, b: SideSpec) -> str:
    """The name of B in a verdict."""
    if b.load.model and a.load.model != b.load.model:
        return os.path.basename(b.load.model.rstrip("/"))
    if a.engine != b.engine:
        return b.engine
    return name_of({name: as_text(b.options)[name] for name in changed_names(a.options, b.options)})


def describe_difference(own: SideSpec, other: SideSpec) -> str:
    """What one side has and the other has not."""
    parts = [f"{name}={as_text(own.options)[name]}" for name in changed_names(own.options, other.options)]
    if own.load.model and own.load.model != other.load.model:
        parts.insert(0, f"model={own.load.model}")
    if own.engine != other.engine:
        parts.insert(0, f"engine={own.engine}")
    return " ".join(parts)
