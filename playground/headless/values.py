"""Readers of argument values that raise the error argparse expects."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def read_by(parse: Callable[[str], T]) -> Callable[[str], T]:
    """A reader from a parser that raises `ValueError` with a line for the user."""

    def read(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise ArgumentTypeError(str(error)) from None

    return read


def whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """A reader of whole numbers from `least` to `most`, both included."""
    takes = f"a whole number from {least}" + ("" if most is None else f" to {most}")

    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < least or (most is not None and int(text) > most):
            raise ArgumentTypeError(f"cannot be {text!r}; it takes {takes}")
        return int(text)

    return read
