"""Checkpoints that lie on this machine: bundled, in the user's folders, in the hub's cache. Reads folders, not weights."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from playground import paths

HUB_PREFIX, HUB_SEPARATOR = "models--", "--"
WEIGHTS = ("*.safetensors", "*.bin")
LARGEST_CONFIG = 1 << 20


class Checkpoint(NamedTuple):
    """`model` is what is loaded: a folder or a hub id. `bytes` are those of its weight files."""

    name: str
    source: str
    model: str
    bytes: int


def find_checkpoints(folders: Iterable[Path]) -> list[Checkpoint]:
    """All that can be found, each once; folders that cannot be read count as empty. Blocks: not for the UI's thread."""
    found = [_local(folder, "bundled") for folder in _children(paths.bundled_models_folder())]
    for place in dict.fromkeys((*folders, Path.cwd())):
        found += [_local(folder, "local") for folder in (place, *_children(place))]
    found += _cached(paths.hub_cache())
    unique = {checkpoint.model: checkpoint for checkpoint in reversed(found) if checkpoint}
    return [checkpoint for checkpoint in found if checkpoint and unique.pop(checkpoint.model, None)]


def _cached(cache: Path) -> Iterator[Checkpoint]:
    """Folders `models--org--name` with a snapshot that has a config."""
    for folder in _children(cache):
        if not folder.name.startswith(HUB_PREFIX):
            continue
        model = folder.name.removeprefix(HUB_PREFIX).replace(HUB_SEPARATOR, "/")
        snapshots = [snapshot for snapshot in _children(folder / "snapshots") if _generates(snapshot)]
        if snapshots:
            yield Checkpoint(model, "hub cache", model, max(map(_weight_bytes, snapshots)))


def _local(folder: Path, source: str) -> Checkpoint | None:
    if not _generates(folder):
        return None
    return Checkpoint(folder.name, source, str(folder.resolve()), _weight_bytes(folder))


def _generates(folder: Path) -> bool:
    """Its config says that it is a causal language model, or does not say what it is."""
    try:
        with (folder / "config.json").open("rb") as file:
            config = json.loads(file.read(LARGEST_CONFIG))
    except (OSError, ValueError):
        return False
    if not isinstance(config, dict) or "model_type" not in config:
        return False
    names = [str(name) for name in config.get("architectures") or ()]
    return not names or any(name.endswith(("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")) for name in names)


def _weight_bytes(folder: Path) -> int:
    try:
        return sum(file.stat().st_size for pattern in WEIGHTS for file in folder.glob(pattern))
    except OSError:
        return 0


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(child for child in folder.iterdir() if child.is_dir())
    except OSError:
        return []
