"""Check a checkpoint's files before anything is loaded: every fault is one line and what to do about it."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from playground import paths
from playground.engine.backends.base import EngineError, Progress
from playground.engine.checkpoint.hub import HUB_ID, fetch, pickled
from playground.engine.checkpoint.safetensors_header import read_header

TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "spiece.model", "vocab.json", "vocab.txt", "tekken.json")
PICKLES = ("*.bin", "*.pt", "*.pth")
TRAINER_FILES = {"training_args.bin", "optimizer.pt", "scheduler.pt", "scaler.pt"}
SHOWN = 200


@dataclass(frozen=True)
class Checkpoint:
    """A folder that looks loadable: its config, its weight files, and whether those are safetensors."""

    path: Path
    config: dict[str, Any]
    weights: list[Path]
    safetensors: bool

    @cached_property
    def weight_bytes(self) -> int:
        """Bytes of the weight files."""
        return sum(file.stat().st_size for file in self.weights)

    @property
    def name(self) -> str:
        """The folder's name, or the hub id of a snapshot in the hub cache."""
        snapshot = next((part for part in self.path.parts if part.startswith("models--")), None)
        return snapshot.removeprefix("models--").replace("--", "/") if snapshot else self.path.name


def inspect(model: str, trust_remote_code: bool, allow_pickle: bool, progress: Progress) -> Checkpoint:
    """Find the folder of a path or hub id and check its files; raises `EngineError`."""
    path = _locate(model, trust_remote_code, allow_pickle, progress)
    config = _read_config(path)
    _check_code(path, config, trust_remote_code)
    if not any((path / name).exists() for name in TOKENIZER_FILES):
        raise EngineError(
            f"{path.name} has no tokenizer", f"put one of {', '.join(TOKENIZER_FILES[:3])} into the folder"
        )
    weights, safe = _find_weights(path, allow_pickle)
    for file in weights if safe else ():
        read_header(file)
    return Checkpoint(path, config, weights, safe)


def require_found(model: str) -> None:
    """Raises `EngineError` if a model is no hub id and no folder with a config; neither loads nor fetches anything."""
    if path := _local(model):
        _read_config(path)


def _locate(model: str, trust_remote_code: bool, allow_pickle: bool, progress: Progress) -> Path:
    return _local(model) or fetch(model, trust_remote_code, allow_pickle, progress)


def _local(model: str) -> Path | None:
    """The folder of a path or bundled model; None for a hub id."""
    # File systems reject some names: too long, with a zero byte, with a home that does not exist.
    with suppress(OSError, ValueError, RuntimeError):
        path = paths.model_folder(model)
        if model and path.is_dir():
            return path.resolve()
        if path.is_file():
            raise EngineError(f"{model} is a file", "name the folder that holds config.json and the weights")
    if model.startswith(("/", ".", "~")) or not HUB_ID.fullmatch(model):
        raise EngineError(f"there is no folder {model[:SHOWN]}", paths.SPELLING)
    return None


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config: dict[str, Any] = json.loads((path / "config.json").read_text())
        if not isinstance(config, dict):
            raise ValueError("it is no JSON object")
    except FileNotFoundError:
        raise _without_config(path) from None
    except (ValueError, OSError) as error:
        raise EngineError(f"config.json of {path.name} cannot be read: {error}", "fetch the checkpoint again") from None
    return config


def _check_code(path: Path, config: dict[str, Any], trust_remote_code: bool) -> None:
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    kind = config.get("model_type")
    if isinstance(kind, str) and kind in CONFIG_MAPPING:
        return
    if "auto_map" in config:
        if not trust_remote_code:
            raise EngineError(
                f"{path.name} runs code of its own ({', '.join(sorted(config['auto_map']))})",
                "read that code; if you trust it, start again with --trust-remote-code",
            )
        return
    if not isinstance(kind, str):
        raise _no_language_model(path)
    import transformers

    raise EngineError(
        f"transformers {transformers.__version__} does not know the architecture {kind!r}",
        "a newer transformers may; `playground doctor` shows what is installed",
    )


def _no_language_model(path: Path) -> EngineError:
    if (path / "model.bin").is_file() and any(path.glob("vocabulary.*")):
        return EngineError(
            f"{path.name} is a speech model of CTranslate2, not a language model of transformers",
            "`playground transcribe --model` takes it, and the microphone as `model` of [speech] in config.toml",
        )
    message = f"config.json of {path.name} names no model_type: this is not a language model of transformers"
    return EngineError(message, "name one, or fetch this one again if it should be one")


def _find_weights(path: Path, allow_pickle: bool) -> tuple[list[Path], bool]:
    """The files that are loaded, and whether they are safetensors: as in transformers `model.safetensors` goes before
    an index. What else lies there is not read."""
    if (single := path / "model.safetensors").is_file():
        return [single], True
    index = path / "model.safetensors.index.json"
    if index.exists():
        names = _indexed(index)
        missing = [name for name in names if not (path / name).is_file()]
        if missing:
            raise EngineError(
                f"{path.name} lacks {len(missing)} of {len(names)} weight files: {missing[0]}", "fetch it again"
            )
        return [path / name for name in names], True
    safetensors = [file for file in sorted(path.glob("*.safetensors")) if not file.name.startswith("adapter_")]
    if safetensors:
        return safetensors, True
    pickles = [file for pattern in PICKLES for file in sorted(path.glob(pattern)) if file.name not in TRAINER_FILES]
    if not pickles:
        raise _without_weights(path)
    if not allow_pickle:
        raise pickled(path.name, pickles[0].name)
    return pickles, False


def _without_config(path: Path) -> EngineError:
    if any(path.glob("*.gguf")):
        return EngineError(f"{path.name} holds GGUF files, which are not read here", "fetch it as safetensors")
    return EngineError(f"{path.name} has no config.json", "name the folder of a model, not the one above it")


def _without_weights(path: Path) -> EngineError:
    if (path / "adapter_config.json").exists():
        return EngineError(f"{path.name} is an adapter", "load its base model, then set adapter to this folder")
    if found := next(path.glob("*.gguf"), None):
        return EngineError(f"{path.name} has only GGUF weights ({found.name})", "fetch it as safetensors")
    return EngineError(f"{path.name} has no weights", "put its .safetensors files into the folder")


def _indexed(index: Path) -> list[str]:
    try:
        return sorted(set(json.loads(index.read_text())["weight_map"].values()))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise EngineError(f"{index.name} does not say which file holds which tensor", "fetch it again") from None
