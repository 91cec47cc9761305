"""All locations, XDG where the platform has it. Only functions: nothing is read and no folder is made here."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

NAME = "playground"
BUNDLED_MODEL = "tiny-coder"
BUNDLED_RECOGNISER = "tiny-whisper"

# Prefixes that mark a model as a local path rather than a hub id.
LOCAL = ("/", "./", "../", "~")
SPELLING = "check the spelling, or name a hub id such as owner/model"  # the advice where no model is found


def expand(text: str) -> Path:
    """Replace a leading `~` by the home folder; a `~name` that is no user stays as it is."""
    try:
        return Path(os.path.expanduser(text))
    except ValueError:  # no user's name holds such characters
        return Path(text)


def is_missing(model: str) -> bool:
    """Whether the model is clearly a local path that does not exist."""
    try:
        return model.startswith(LOCAL) and not expand(model).exists()
    except (OSError, ValueError):  # a name that no file system accepts
        return True


def model_name(model: str) -> str:
    """The last part of a local path; a hub id unchanged."""
    return model if model.count("/") == 1 and not model.startswith(LOCAL) else Path(model).name or model


def package_folder() -> Path:
    """The folder of this package."""
    return Path(__file__).resolve().parent


def shipped_folder(kind: str) -> Path:
    """The shipped `themes` or `presets`: next to this module in an install, at the root of a checkout."""
    packed = package_folder() / kind
    return packed if packed.is_dir() else package_folder().parent / kind


def config_folder() -> Path:
    """The settings, themes and presets of the user."""
    return platformdirs.user_config_path(NAME, appauthor=False)


def config_file() -> Path:
    """The settings of the user."""
    return config_folder() / "config.toml"


def theme_folders() -> list[Path]:
    """Folders of themes, the user's own first, since they win."""
    return [config_folder() / "themes", shipped_folder("themes")]


def preset_folders() -> list[Path]:
    """Folders of presets, the user's own first, since they win."""
    return [config_folder() / "presets", shipped_folder("presets")]


def log_folder() -> Path:
    """The output of workers."""
    return platformdirs.user_log_path(NAME, appauthor=False)


def log_file(worker: str) -> Path:
    """The log of one worker of this process."""
    return log_folder() / f"{worker}-{os.getpid()}.log"


def data_folder() -> Path:
    """The data that the program keeps for its user."""
    return platformdirs.user_data_path(NAME, appauthor=False)


def history_database() -> Path:
    """The history of runs."""
    return data_folder() / "history.db"


def references_folder() -> Path:
    """Greedy reference answers, one file per checkpoint."""
    return data_folder() / "references"


def vllm_starts() -> Path:
    """Durations of past vLLM starts on this machine."""
    return data_folder() / "vllm-starts.json"


def import_folder() -> Path:
    """A folder with this package alone, for interpreters of other environments."""
    return platformdirs.user_cache_path(NAME, appauthor=False) / "import"


def recordings_folder() -> Path:
    """Recordings started by a key, without a file name."""
    return data_folder() / "recordings"


def bundled_models_folder() -> Path:
    """The models that come with the program."""
    return package_folder() / "models"


def bundled_model(name: str = BUNDLED_MODEL) -> Path:
    """The folder of one bundled model."""
    return bundled_models_folder() / name


def model_folder(model: str) -> Path:
    """The folder of a model: the path itself, or the bundled model of that name."""
    try:
        path, bundled = expand(model), bundled_models_folder() / model
        meant = path.name == model and not path.exists() and (bundled / "config.json").is_file()
    except (OSError, ValueError):  # as above
        return Path(model)
    return bundled if meant else path


def hub_cache() -> Path:
    """Where huggingface_hub keeps checkpoints; its rules (`huggingface_hub/constants.py`), without importing it."""
    cache = os.getenv("XDG_CACHE_HOME", "~/.cache")
    home = _expand(os.getenv("HF_HOME", os.path.join(cache, "huggingface")))
    legacy = os.getenv("HUGGINGFACE_HUB_CACHE", os.path.join(home, "hub"))
    return Path(_expand(os.getenv("HF_HUB_CACHE", legacy)))


def _expand(path: str) -> str:
    return os.path.expandvars(os.path.expanduser(path))
