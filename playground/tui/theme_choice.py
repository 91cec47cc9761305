"""The themes that the app offers: ours in place of Textual's, so that every one says what its colours mean."""

from __future__ import annotations

from textual.app import App

from playground.theme import load_theme, load_themes
from playground.toml_file import ConfigError


def begin_with(app: App[None], name: str) -> None:
    """This one alone, or the first that there is; reading them all can wait."""
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
    """Every one that can be read; returns what is wrong with the rest."""
    themes, errors = load_themes()
    for theme in themes:
        app.register_theme(theme)
    return errors
