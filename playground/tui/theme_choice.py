"""Registers our themes in place of Textual's, which do not define the colours' meanings, and offers them by name."""

from __future__ import annotations

from functools import partial

from textual.app import App
from textual.command import DiscoveryHit, Hit, Hits, Provider

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


class ThemeProvider(Provider):
    """The themes by name, the current one marked."""

    async def discover(self) -> Hits:
        for name in sorted(self.app.available_themes):
            yield DiscoveryHit(self._title(name), partial(setattr, self.app, "theme", name))

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for name in sorted(self.app.available_themes):
            if (score := matcher.match(name)) > 0:
                yield Hit(score, self._title(name), partial(setattr, self.app, "theme", name))

    def _title(self, name: str) -> str:
        return f"{name}  ● now" if name == self.app.theme else name
