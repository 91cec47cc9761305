"""Locations: from a checkout, from an install, and under the variables that move them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from playground import paths

ROOT = Path(paths.__file__).parent.parent


def run_python(code: str, **env: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGINGFACE_", "XDG_"))}
    done = subprocess.run([sys.executable, "-c", code], env=kept | env, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.skipif(sys.platform != "linux", reason="XDG is Linux's")
def test_locations_follow_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))
    assert paths.config_file() == tmp_path / "CONFIG/playground/config.toml"
    assert paths.theme_folders()[0] == tmp_path / "CONFIG/playground/themes"
    assert paths.preset_folders()[0] == tmp_path / "CONFIG/playground/presets"
    assert paths.history_database() == tmp_path / "DATA/playground/history.db"
    assert paths.recordings_folder() == tmp_path / "DATA/playground/recordings"
    assert tmp_path / "STATE/playground" in [paths.log_folder(), *paths.log_folder().parents]
    assert not list(tmp_path.iterdir()), "asking for a location must not make it"


@pytest.mark.parametrize("kind", ["themes", "presets"])
def test_shipped_files_are_found_from_a_checkout(kind: str) -> None:
    assert paths.shipped_folder(kind) == ROOT / kind
    assert list(paths.shipped_folder(kind).glob("*.toml"))


@pytest.mark.parametrize("kind", ["themes", "presets"])
def test_shipped_files_are_found_from_an_install(kind: str, tmp_path: Path) -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    packed = tmp_path / wheel["force-include"][kind]
    shutil.copytree(ROOT / kind, packed)
    for name in ("__init__.py", "paths.py"):
        shutil.copy(ROOT / "playground" / name, tmp_path / "playground" / name)
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from playground import paths; "
    assert run_python(code + f"print(paths.shipped_folder({kind!r}))") == str(packed)


def test_the_bundled_model_lies_in_the_package() -> None:
    assert paths.bundled_model() == ROOT / "playground" / "models" / "tiny-coder"


@pytest.mark.parametrize(
    "env",
    [
        {},
        {"XDG_CACHE_HOME": "/caches"},
        {"HF_HOME": "~/hf"},
        {"HF_HOME": "$PLACE/hf"},
        {"HF_HUB_CACHE": "~/hub"},
        {"HF_HOME": "/home-of-hf", "HF_HUB_CACHE": "/hub"},
        {"HUGGINGFACE_HUB_CACHE": "/old"},
        {"HUGGINGFACE_HUB_CACHE": "/old", "HF_HUB_CACHE": "$PLACE/new"},
    ],
)
def test_the_hub_cache_is_where_huggingface_hub_keeps_it(env: dict[str, str]) -> None:
    env = env | {"PLACE": "/somewhere"}
    theirs = run_python("from huggingface_hub.constants import HF_HUB_CACHE; print(HF_HUB_CACHE)", **env)
    assert run_python("from playground import paths; print(paths.hub_cache())", PYTHONPATH=str(ROOT), **env) == theirs
