"""Finds a recogniser, a folder in CTranslate2's layout or a name in the hub's cache, and checks that it is complete.
Reads no weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from playground.speech.faults import SpeechError

NEEDED = ("model.bin", "config.json", "tokenizer.json")
VOCABULARIES = ("vocabulary.json", "vocabulary.txt")
STOCK_MELS, STOCK_WINDOW_S = 80, 30.0
CONVERT = (
    "ct2-transformers-converter --model FOLDER --output_dir OUT --copy_files tokenizer.json preprocessor_config.json"
)


def find_model(model: str) -> Path:
    """The folder of a model: a path, a size such as `small`, or a hub id, downloaded if needed. Raises
    `SpeechError`."""
    if not model.strip():
        raise SpeechError("no recogniser is named", "give a folder, a size such as small, or a hub id")
    folder = Path(model).expanduser()
    if not folder.exists():
        if folder.is_absolute() or model.startswith((".", "~")):
            raise SpeechError(f"{model} does not exist", "choose another recogniser")
        folder = _from_hub(model)
    _check(folder)
    return folder


def _from_hub(model: str) -> Path:
    from faster_whisper.utils import available_models, download_model

    if "/" not in model and model not in available_models():
        raise SpeechError(
            f"no recogniser is called {model!r}", f"a folder, a hub id, or {', '.join(available_models())}"
        )
    for local in (True, False):
        try:
            return Path(download_model(model, local_files_only=local))
        except Exception as error:  # the hub's client raises a dozen types, some of requests
            reason = f"{type(error).__name__}: {error}".split("\n")[0][:160]
    raise SpeechError(f"{model} is not in the hub's cache and cannot be fetched ({reason})", "give a folder instead")


def _check(folder: Path) -> None:
    if not folder.is_dir():
        raise SpeechError(f"{folder} is a file, and a recogniser is a folder", "name the folder that holds model.bin")
    missing = [name for name in NEEDED if not (folder / name).is_file()]
    if not any((folder / name).is_file() for name in VOCABULARIES):
        missing.append(VOCABULARIES[0])
    if "model.bin" in missing and any(folder.glob("*.safetensors")):
        raise SpeechError(f"{folder} holds a transformers checkpoint, not one of CTranslate2", f"convert it: {CONVERT}")
    if missing:
        advice = "convert it again with --copy_files tokenizer.json preprocessor_config.json"
        raise SpeechError(f"{folder} is no whole recogniser: {', '.join(missing)} is missing", advice)


def preprocessor(folder: Path) -> dict[str, Any]:
    """The feature settings of a folder; empty without any, as stock 80-mel folders may be."""
    try:
        found = json.loads((folder / "preprocessor_config.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def mels(folder: Path) -> int:
    """How many mel bands the model takes."""
    return int(preprocessor(folder).get("feature_size", STOCK_MELS))


def window_s(folder: Path) -> float:
    """The longest speech in seconds that the model was trained to hear at once; a stock Whisper fills its 30 s."""
    return float(preprocessor(folder).get("trained_speech_s", STOCK_WINDOW_S))


def weights_bytes(folder: Path) -> int:
    """The size of the weight file."""
    return (folder / "model.bin").stat().st_size
