"""Checkpoints on this machine: bundled, in the user's folders, in the hub's cache. Weights are not read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from playground import paths
from playground.text.plain import one_line

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


def find_recognisers(folders: Iterable[Path]) -> list[Checkpoint]:
    """Whispers in CTranslate2's layout, in the same places. Blocks as well."""
    places = [(paths.bundled_models_folder(), "bundled"), *((folder, "local") for folder in (*folders, Path.cwd()))]
    found = [(child, source) for place, source in places for child in (place, *_children(place))]
    for folder in _children(paths.hub_cache()):
        found += [(snapshot, "hub cache") for snapshot in _children(folder / "snapshots")]
    recognisers = [_recogniser(folder, source) for folder, source in found if _recognises(folder)]
    return list({each.model: each for each in reversed(recognisers)}.values())[::-1]


def _recognises(folder: Path) -> bool:
    return (folder / "model.bin").is_file() and any(folder.glob("vocabulary.*"))


def _recogniser(folder: Path, source: str) -> Checkpoint:
    name = folder.name
    if source == "hub cache":
        name = folder.parents[1].name.removeprefix(HUB_PREFIX).replace(HUB_SEPARATOR, "/")
    return Checkpoint(name, source, str(folder.resolve() if source != "hub cache" else folder), _weight_bytes(folder))


def has_chat_template(folder: Path) -> bool:
    """The checkpoint has a chat template, as far as the folder shows before anything is loaded."""
    folder = paths.model_folder(str(folder))
    if (folder / "chat_template.jinja").is_file():
        return True
    config = _read_json(folder / "tokenizer_config.json")
    return bool(config.get("chat_template"))


def short_name(model: str) -> str:
    """The name of a model as a screen shows it: one line of at most 40 characters."""
    return one_line(paths.model_name(model), 40)


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
    config = _read_json(folder / "config.json")
    if "model_type" not in config:
        return False
    names = [str(name) for name in config.get("architectures") or ()]
    return not names or any(name.endswith(("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")) for name in names)


def _read_json(path: Path) -> dict[str, Any]:
    """Empty where there is no such file, or something else in it."""
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(LARGEST_CONFIG))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


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
