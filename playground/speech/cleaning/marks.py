"""Faults of a window: nothing in it, one phrase over and over, the words of a window far away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from playground.speech.cleaning.windows import Window
from playground.speech.known_phrases import find_known_phrase
from playground.speech.transcript import find_loop

Reason = Literal["empty", "looping", "repeated", "known phrase"]
FEWEST_WORDS = 5  # shorter windows are alike by chance
ALIKE = 0.85


@dataclass(frozen=True)
class Mark:
    """A marked window. `lost` of its words are not in the clean text."""

    start: float
    reason: Reason
    detail: str
    text: str
    lost: int


def find_marks(windows: Sequence[Window], language: str = "") -> dict[int, tuple[Reason, str]]:
    """By index of the window: the reason and its numbers."""
    marks: dict[int, tuple[Reason, str]] = {}
    for index, window in enumerate(windows):
        if mark := _mark_alone(window, language) or _mark_repeated(index, windows, marks):
            marks[index] = mark
    return marks


def _mark_alone(window: Window, language: str) -> tuple[Reason, str] | None:
    if not window.words:
        return "empty", "no word in it"
    phrase, times = find_loop(window.text)
    if times:
        return "looping", f"{phrase!r} {times} times in a row"
    phrase = find_known_phrase(window.text, language)
    return ("known phrase", f"{phrase!r} is what Whisper writes on silence") if phrase else None


def _mark_repeated(
    index: int, windows: Sequence[Window], marks: dict[int, tuple[Reason, str]]
) -> tuple[Reason, str] | None:
    words = windows[index].bare
    if len(words) < FEWEST_WORDS:
        return None
    for earlier in range(index):
        if earlier not in marks and (share := alike(words, windows[earlier].bare)) >= ALIKE:
            return "repeated", f"{share:.0%} the words of the window at {windows[earlier].start:.2f}s"
    return None


def alike(one: Sequence[str], other: Sequence[str]) -> float:
    """The share of words that two texts have in common, in order: 0 to 1."""
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    quick = matcher.real_quick_ratio() >= ALIKE and matcher.quick_ratio() >= ALIKE
    return matcher.ratio() if quick else 0.0
