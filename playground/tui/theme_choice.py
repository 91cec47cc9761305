"""Registers our themes in place of Textual's, which do not define the colours' meanings."""

from __future__ import annotations

from textual.app import App

from playground.theme import load_theme, load_themes
from playground.toml_file import ConfigError


def begin_with(app: App[None], name: str) -> None:
    """Register this theme alone, or the first one if it cannot be read; the others can wait."""
    builtin = list(app.available_themes)
    try:
        theme = load_theme(name)
    except ConfigError:
        theme = load_themes()[0][0]
    app.register_theme(theme)
    app.theme = theme.name
    for each in builtin:
        app.unregister_theme(each)


def add_others(app: App[None]) -> list[ConfigError]:
    """Register all themes; returns the errors of those that cannot be read."""
    themes, errors = load_themes()
    for theme in themes:
        app.register_theme(theme)
    return errors
