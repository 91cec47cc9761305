"""Checks files that users edit, and those that come with the program; counts logs."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable
from pathlib import Path

from playground import paths
from playground.config import load_settings
from playground.doctor.finding import Finding
from playground.logs import KEPT, count_logs
from playground.preset import read_preset
from playground.theme import read_theme
from playground.toml_file import ConfigError, named_files


def check_files() -> list[Finding]:
    """Check the settings, and every preset and theme; say where the logs are."""
    presets, themes = named_files(paths.preset_folders()), named_files(paths.theme_folders())
    return [
        _check("settings", [paths.config_file()], load_settings, _settings_message()),
        _check("presets", presets.values(), read_preset, f"{len(presets)}: {', '.join(presets)}"),
        _check("themes", themes.values(), read_theme, f"{len(themes)}: {', '.join(themes)}"),
        Finding(name="logs", status="ok", message=_logs_message()),
        check_folders(),
    ]


def check_folders() -> Finding:
    """Check that history, recordings and logs can be kept, and that settings can be saved."""
    folders = (paths.data_folder(), paths.log_folder(), paths.config_folder())
    for folder, lost in zip(folders, ("history and recordings", "logs", "settings"), strict=True):
        # Unlike `Path.exists`, false for what a closed folder hides.
        there = next(path for path in (folder, *folder.parents) if os.path.exists(path))
        if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
            own = shlex.quote(str(folder))  # never a parent of it: that may be / or everybody's home
            fix = f"sudo mkdir -p {own} && sudo chown -R $USER {own} && chmod u+rwx {own}"
            message = f"{there} cannot be written to: {lost} are not kept"
            return Finding(name="folders", status="warn", message=message, fix=fix)
    return Finding(name="folders", status="ok", message=f"{', '.join(map(str, folders))} can be written to")


def _check(name: str, files: Iterable[Path], read: Callable[[Path], object], good: str) -> Finding:
    for path in files:
        try:
            read(path)
        except ConfigError as error:
            fix = f"${{EDITOR:-nano}} {shlex.quote(str(path))}"
            return Finding(name=name, status="warn", message=str(error), fix=fix)
    return Finding(name=name, status="ok", message=good)


def _logs_message() -> str:
    return f"{count_logs()} in {paths.log_folder()}; of runs that have ended the newest {KEPT} are kept"


def _settings_message() -> str:
    path = paths.config_file()
    return str(path) if path.exists() else f"defaults; {path} may hold others"
