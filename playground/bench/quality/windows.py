"""Overlapping windows over a text longer than the context, so that every token but the first counts once."""

from __future__ import annotations

from typing import NamedTuple


class Window(NamedTuple):
    """Ids from `start` to `stop`; the last `counted` predictions count, the others are context."""

    start: int
    stop: int
    counted: int


def windows(tokens: int, window: int, stride: int) -> list[Window]:
    """Windows of at most `window` ids that advance by `stride`, but by one less than `window` at most: the first id of
    a window only serves to predict the second, and has no prediction itself."""
    if tokens < 2:
        return []
    stride = min(stride, window - 1)
    found = [Window(0, min(window, tokens), min(window, tokens) - 1)]
    while found[-1].stop < tokens:
        stop = min(tokens, found[-1].stop + stride)
        found.append(Window(max(0, stop - window), stop, stop - found[-1].stop))
    return found
