"""Toggles read from text: as typed after `--set`, or written in a preset."""

from __future__ import annotations

from collections.abc import Callable

from playground.protocol.options import DEFAULTS, TOGGLES, Toggle, Value

# How TOML and Python spell `on` and `off`.
BOOLEANS = {"true": "on", "false": "off"}
LONGEST = 18  # digits of a count: Python reads no number of thousands of digits


class OptionError(ValueError):
    """A toggle or value that does not exist; the message names the ones that do."""


def parse_value(name: str, text: str) -> Value:
    """Read the value of one toggle; raises `OptionError`."""
    toggle = TOGGLES.get(name)
    if toggle is None:
        raise OptionError(f"no toggle is called {name!r}; there are: {', '.join(TOGGLES)}")
    kind = type(getattr(DEFAULTS, name))
    if kind is str:
        return _parse_choice(toggle, text)
    if kind is bool:
        word = BOOLEANS.get(text, text)
        _require(toggle, word in toggle.values, text)
        return word == "on"
    if toggle.values:
        _require(toggle, text in toggle.values, text)
        return int(text)
    return _parse_number(toggle, text, kind)


def _parse_choice(toggle: Toggle, text: str) -> str:
    head, _, tail = text.partition(":")
    open_forms = {
        "kv_blocks": text.isdecimal() and len(text) <= LONGEST and int(text) >= 1,
        "speculation": head == "lookup" and tail.isdecimal() and len(tail) <= 2 and 1 <= int(tail) <= 32,
        "adapter": bool(text),
        "device": head == "cuda" and (tail.isdecimal() or text == "cuda"),
    }
    _require(toggle, text in toggle.values or open_forms.get(toggle.name, False), text)
    return text


def _parse_number(toggle: Toggle, text: str, kind: Callable[[str], float]) -> Value:
    try:
        number = kind(text)
    except ValueError:
        raise OptionError(_wrong(toggle, text)) from None
    _require(
        toggle, (toggle.low is None or number >= toggle.low) and (toggle.high is None or number <= toggle.high), text
    )
    return number


def _require(toggle: Toggle, ok: bool, text: str) -> None:
    if not ok:
        raise OptionError(_wrong(toggle, text))


def _wrong(toggle: Toggle, text: str) -> str:
    return f"{toggle.name} cannot be {text!r}; it takes {toggle.form or ', '.join(toggle.values)}"


def parse_assignment(text: str) -> tuple[str, Value]:
    """Read `TOGGLE=VALUE`; raises `OptionError`."""
    name, equals, value = text.partition("=")
    if not equals:
        raise OptionError(f"{text!r} is not TOGGLE=VALUE; for example kv_cache=int8")
    return name.strip(), parse_value(name.strip(), value.strip())
