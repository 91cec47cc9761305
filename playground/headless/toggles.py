"""`TOGGLE=VALUE,...` in one word."""

from __future__ import annotations

from argparse import ArgumentTypeError

from playground.protocol.options import OptionError, Value, parse_assignment


def parse_toggles(text: str) -> dict[str, Value]:
    """Read it; the last of a toggle wins."""
    try:
        return dict(parse_assignment(part) for part in text.split(","))
    except OptionError as error:
        raise ArgumentTypeError(str(error)) from None
