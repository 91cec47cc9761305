"""The filter line as SQL: words, `field:word`, `field>number`, `toggle=value`; all terms must match."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from playground.protocol.option_text import OptionError, parse_value
from playground.protocol.options import DEFAULTS, TOGGLES, as_text, format_value

Sort = Literal["at", "kind", "model", "ttft_s", "tps", "system_tps", "memory_bytes", "kv_bytes", "quality"]
Parameter = str | float
Condition = tuple[str, tuple[Parameter, ...]]

EVERYTHING = "1"

TEXT_FIELDS = {
    "model": "model",
    "kind": "kind",
    "engine": "engine",
    "flag": "flags",
    "tag": "tags",
    "prompt": "title",
    "option": "options",
    "measure": "measure",
}
_MIB = float(1 << 20)
# Column, and the value of one unit of the typed number in it; a unit may be typed as well.
NUMBER_FIELDS = {
    "tps": ("tps", 1.0),
    "system": ("system_tps", 1.0),
    "ttft": ("ttft_s", 1e-3),
    "seconds": ("seconds", 1.0),
    "memory": ("memory_bytes", _MIB),
    "kv": ("kv_bytes", _MIB),
    "quality": ("quality", 1.0),
    "tokens": ("output_tokens", 1.0),
    "requests": ("requests", 1.0),
}
UNITS = {"ms": 1e-3, "s": 1.0, "mib": _MIB, "gib": 1024 * _MIB}
_COMPARED = re.compile(r"(?P<name>\w+)(?P<how>>=|<=|>|<|=)(?P<value>.+)")
_NUMBER = re.compile(r"(?P<number>[-+]?[0-9.]+(?:e[-+]?[0-9]+)?)(?P<unit>[a-z]*)", re.IGNORECASE)
_DEFAULTS = as_text(DEFAULTS)


class FilterError(ValueError):
    """A term that cannot be read; the message says what would be right."""


@dataclass(frozen=True)
class Query:
    """Which runs, in which order. `words` must occur in what a list shows of a run, `conditions` apply to its columns.
    Runs without the value sorted by come last."""

    conditions: tuple[Condition, ...] = ()
    words: tuple[str, ...] = ()
    sort: Sort = "at"
    descending: bool = True
    text: str = field(default="", compare=False)

    @property
    def condition(self) -> str:
        """All terms, on the table of runs; the `+` keeps SQLite from looking up row by row which rows have the
        words."""
        spoken = [f"+id IN (SELECT id FROM words WHERE {self._spoken})"] if self.words else []
        return " AND ".join([*(sql for sql, _ in self.conditions), *spoken]) or EVERYTHING

    @property
    def values(self) -> tuple[Parameter, ...]:
        """Values for the marks of `condition`."""
        return (*(value for _, values in self.conditions for value in values), *self.words)

    @property
    def orders(self) -> list[str]:
        """Selects of all ids in the requested order, along an index; the newer of two equal runs first."""
        if self.sort == "at":
            return [f"SELECT id FROM runs ORDER BY at {'DESC' if self.descending else 'ASC'}"]
        if self.descending:  # then NULL is last by itself
            return [f"SELECT id FROM runs ORDER BY {self.sort} DESC, at DESC"]
        known = f"SELECT id FROM runs WHERE {self.sort} IS NOT NULL ORDER BY {self.sort} ASC, at ASC"
        return [known, f"SELECT id FROM runs WHERE {self.sort} IS NULL ORDER BY at DESC"]

    @property
    def narrowings(self) -> list[Condition]:
        """Selects of the ids that match each term, unordered, with the values of their marks. A column is mostly
        scanned along its index."""
        found = [(f"SELECT id FROM runs WHERE {sql}", values) for sql, values in self.conditions]
        return [*found, (f"SELECT id FROM words WHERE {self._spoken}", self.words)] if self.words else found

    @property
    def _spoken(self) -> str:
        return " AND ".join(["instr(words, ?) > 0"] * len(self.words))


def parse_filter(text: str, sort: Sort = "at", descending: bool = True) -> Query:
    """Read the filter line; raises `FilterError`."""
    terms = text.split()
    words = tuple(_folded(term) for term in terms if _is_word(term))
    conditions = tuple(_term(term) for term in terms if not _is_word(term))
    return Query(conditions, words, sort, descending, text)


def _is_word(term: str) -> bool:
    field, colon, _ = term.partition(":")
    return not (colon and field.lower() in TEXT_FIELDS) and not _COMPARED.fullmatch(term)


def _folded(word: str) -> str:
    """A word in lower case as SQLite's `lower` makes it: ASCII only."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in word)


def _term(term: str) -> Condition:
    name, colon, word = term.partition(":")
    if colon and name.lower() in TEXT_FIELDS:
        return f"instr(lower({TEXT_FIELDS[name.lower()]}), ?) > 0", (_folded(word),)
    match = _COMPARED.fullmatch(term)
    assert match, "a word"
    return _comparison(match["name"].lower(), match["how"], match["value"])


def _comparison(name: str, how: str, value: str) -> Condition:
    if name in NUMBER_FIELDS:
        column, scale = NUMBER_FIELDS[name]
        return f"{column} {how} ?", (_number(name, value, scale),)
    if name in TOGGLES and how == "=":
        return _toggle(name, value)
    if name in TEXT_FIELDS and how == "=":
        return f"{TEXT_FIELDS[name]} = ?", (value,)
    known = ", ".join([*NUMBER_FIELDS, *TOGGLES] if how == "=" else NUMBER_FIELDS)
    raise FilterError(f"{name}{how} is not known; before {how} stands one of: {known}")


def _toggle(name: str, text: str) -> Condition:
    """Search for a toggle as text within the JSON of the options, ten times faster than parsing it: quotes in it are
    escaped."""
    try:
        value = format_value(parse_value(name, text))
    except OptionError as error:
        raise FilterError(str(error)) from None
    if value == _DEFAULTS[name]:
        return "instr(options, ?) = 0", (f'"{name}":',)
    return "instr(options, ?) > 0", (msgspec.json.encode({name: value}).decode()[1:-1],)


def _number(name: str, text: str, scale: float) -> float:
    match = _NUMBER.fullmatch(text)
    unit = match["unit"].lower() if match else ""
    if not match or (unit and unit not in UNITS):
        raise FilterError(f"{name} is compared with a number, not {text!r}; units: {', '.join(UNITS)}")
    try:
        return float(match["number"]) * (UNITS[unit] if unit else scale)
    except ValueError:
        raise FilterError(f"{name} is compared with a number, not {text!r}") from None
