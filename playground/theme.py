"""Themes: TOML files turned into Textual themes, the meaning of each colour among their variables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta
from textual.color import Color, ColorParseError
from textual.theme import Theme

from playground import paths
from playground.toml_file import ConfigError, Key, TomlFile, find_file, named_files, read_toml, shown

EIGHT = 8


class Meanings(msgspec.Struct, frozen=True, kw_only=True):
    """The meaning of each colour, the same on every screen; `requests` are the colours of the letters A..H."""

    prefill: str
    decode: str
    draft: str
    held: str
    preempted: str
    waiting: str
    requests: Annotated[list[str], Meta(min_length=EIGHT, max_length=EIGHT)]

    @classmethod
    def from_variables(cls, variables: Mapping[str, str]) -> Meanings:
        """Read the meanings from the variables of the current theme (`App.theme_variables`)."""
        single = [name for name in cls.__struct_fields__ if name != "requests"]
        requests = [variables[f"request-{index}"] for index in range(EIGHT)]
        return cls(**{name: variables[f"meaning-{name}"] for name in single}, requests=requests)

    def variables(self) -> dict[str, str]:
        """The meanings as variables for stylesheets: `$meaning-prefill`, ... `$request-0` to `$request-7`."""
        fields = msgspec.structs.asdict(self)
        requests = {f"request-{index}": colour for index, colour in enumerate(fields.pop("requests"))}
        return {f"meaning-{name}": colour for name, colour in fields.items()} | requests


class ThemeFile(msgspec.Struct, frozen=True, kw_only=True):
    """The contents of a theme file."""

    name: str
    dark: bool
    primary: str
    secondary: str
    accent: str
    foreground: str
    background: str
    surface: str
    panel: str
    success: str
    warning: str
    error: str
    meanings: Meanings

    def to_textual(self) -> Theme:
        """The theme as Textual takes it, the meanings as its variables."""
        fields = msgspec.structs.asdict(self)
        fields.pop("meanings")
        return Theme(**fields, variables=self.meanings.variables())


def theme_names() -> list[str]:
    """The names of all themes, shipped or the user's own."""
    return list(named_files(paths.theme_folders()))


def load_theme(name: str) -> Theme:
    """Read a theme by name, the user's own first; raises `ConfigError`."""
    return read_theme(find_file("theme", name, paths.theme_folders())).to_textual()


def load_themes() -> tuple[list[Theme], list[ConfigError]]:
    """Every readable theme, and the faults of the others: one bad file must not hide the rest."""
    themes, errors = [], []
    for name in theme_names():
        try:
            themes.append(load_theme(name))
        except ConfigError as error:
            errors.append(error)
    return themes, errors


def read_theme(path: Path) -> ThemeFile:
    """Read and check one file; raises `ConfigError`."""
    file = read_toml(path)
    theme = file.as_struct(ThemeFile)
    if theme.name != path.stem:
        message = f"cannot be {shown(theme.name)}; it takes {shown(path.stem)}, as the file is called"
        raise file.error(("name",), message)
    for name, value in msgspec.structs.asdict(theme).items():
        if name not in ("name", "dark", "meanings"):
            _check_colour(file, (name,), value)
    for name, value in msgspec.structs.asdict(theme.meanings).items():
        for colour in value if name == "requests" else [value]:
            _check_colour(file, ("meanings", name), colour)
    return theme


def _check_colour(file: TomlFile, key: Key, text: str) -> None:
    """Refuse a terminal's sixteen colours and transparent ones: they look different on each machine."""
    try:
        colour = Color.parse(text)
        usable = colour.ansi is None and colour.a == 1
    except ColorParseError:
        usable = False
    if not usable:
        raise file.error(key, f"cannot be {shown(text)}; it takes a colour, such as '#56b4e9' or 'steelblue'")
