"""TOML files that users edit, checked against a struct; an error is one line: file, line, key, what would be right."""

from __future__ import annotations

import math
import re
import reprlib
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

import msgspec
from msgspec import inspect

Kind = TypeVar("Kind", bound=msgspec.Struct)
Key = tuple[str, ...]


class ConfigError(ValueError):
    """A file that users edit is wrong or missing. The message is one line."""


class TomlFile(msgspec.Struct, frozen=True):
    """One file as text, for line numbers, and as data."""

    path: Path
    text: str
    data: dict[str, Any]

    def error(self, key: Key, message: str) -> ConfigError:
        """An error at a key, with the line of the key, or else of its table."""
        name = ".".join(part if re.fullmatch(r"[\w-]+", part, re.ASCII) else repr(part) for part in key)
        return ConfigError(": ".join([f"{self.path}:{_line_of(self.text, key)}", *filter(None, [name]), message]))

    def as_struct(self, kind: type[Kind]) -> Kind:
        """The whole file as a struct; raises `ConfigError` on unknown keys, missing ones and wrong values."""
        return self._table(kind, self.data, ())

    def value(self, kind: Any, value: Any, key: Key) -> Any:
        """One value, checked against a type and its constraints; raises `ConfigError`."""
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return self._table(kind, value, key)
        if get_origin(kind) is dict and isinstance(value, dict):
            return {name: self.value(get_args(kind)[1], inner, (*key, name)) for name, inner in value.items()}
        try:
            if isinstance(value, float) and not math.isfinite(value):
                raise msgspec.ValidationError
            return msgspec.convert(value, kind)
        except msgspec.ValidationError:
            raise self.error(key, f"cannot be {shown(value)}; it takes {describe(inspect.type_info(kind))}") from None

    def _table(self, kind: type[Kind], table: Any, key: Key) -> Kind:
        fields = {field.name: field for field in msgspec.structs.fields(kind)}
        if not isinstance(table, dict):
            raise self.error(key, f"cannot be {shown(table)}; it takes a table with {', '.join(fields)}")
        for name in table:
            if name not in fields:
                raise self.error((*key, name), f"there is no such key; there are: {', '.join(fields)}")
        for name, field in fields.items():
            if field.required and name not in table:
                raise self.error(key, f"{name} is missing; it takes {describe(inspect.type_info(field.type))}")
        return kind(**{name: self.value(fields[name].type, value, (*key, name)) for name, value in table.items()})


def read_toml(path: Path) -> TomlFile:
    """Read a file; raises `ConfigError` if it cannot be read or is not TOML."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        return TomlFile(path, text, tomllib.loads(text))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: this is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        what, _, where = str(error).partition(" (at ")
        number = re.match(r"line (\d+)", where)
        last = len(text.rstrip().split("\n"))
        raise ConfigError(f"{path}:{number[1] if number else last}: this is not TOML: {what}") from None


def named_files(folders: Iterable[Path]) -> dict[str, Path]:
    """The TOML files of folders by name, sorted; an earlier folder wins."""
    files = [path for folder in folders if folder.is_dir() for path in folder.glob("*.toml")]
    return dict(sorted({path.stem: path for path in reversed(files)}.items()))


def find_file(what: str, name: str, folders: Iterable[Path]) -> Path:
    """The file of a theme or preset; raises `ConfigError` with the names that exist."""
    files = named_files(folders)
    if name not in files:
        raise ConfigError(f"no {what} is called {shown(name)}; there are: {', '.join(files)}")
    return files[name]


def describe(info: inspect.Type) -> str:
    """The values of a type as text."""
    match info:
        case inspect.LiteralType(values=values):
            return ", ".join(str(value) or '""' for value in values)
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType() | inspect.FloatType():
            return ("a whole number" if isinstance(info, inspect.IntType) else "a number") + _bounds(info)
        case inspect.StrType():
            return "text" + (" that is not empty" if info.min_length else "")
        case inspect.ListType(item_type=item):
            return f"a list of {describe(item)}" + (f", {info.max_length} of them" if info.max_length else "")
        case inspect.UnionType(types=types):
            return " or ".join(describe(one) for one in types if not isinstance(one, inspect.NoneType))
        case _:
            return "a table"


def _bounds(info: inspect.IntType | inspect.FloatType) -> str:
    words = {"from": info.ge, "above": info.gt, "to": info.le, "below": info.lt}
    return "".join(f" {word} {bound:g}" for word, bound in words.items() if bound is not None)


def shown(value: object) -> str:
    """A value for a message: one line, not too long."""
    form = reprlib.Repr()
    form.maxstring = form.maxother = 60
    return form.repr(value)


def _line_of(text: str, key: Key) -> int:
    """The line of a key: after the longest run of lines that is TOML by itself and does not contain the key yet."""
    lines, begin = text.split("\n"), 1
    for number in range(1, len(lines) + 1):
        try:
            data = tomllib.loads("\n".join(lines[:number]) + "\n")
        except tomllib.TOMLDecodeError:
            continue
        if _holds(data, key):
            return begin
        begin = number + 1
    return 1


def _holds(data: Any, key: Key) -> bool:
    for part in key:
        if not isinstance(data, dict) or part not in data:
            return False
        data = data[part]
    return True
