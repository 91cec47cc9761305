"""Merges windows into a clean text: marked ones are left out, overlaps appear once, and everything is accounted for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from playground.speech.cleaning.marks import Mark, find_marks
from playground.speech.cleaning.seams import find_seam
from playground.speech.cleaning.windows import Window, Word
from playground.speech.transcript import loop_span

WINDOW_S = 30.0


@dataclass(frozen=True)
class Join:
    """Two overlapping windows with `words` in common; 0 if no overlap was found."""

    start: float
    words: int


@dataclass
class Cleaned:
    """The result; `text` has a paragraph for each stretch without a gap."""

    text: str
    windows: int
    marked: list[Mark] = field(default_factory=list)
    joins: list[Join] = field(default_factory=list)


def clean(windows: Sequence[Window], language: str = "", window_s: float = WINDOW_S) -> Cleaned:
    """Merge windows of `window_s` seconds, in the order of their starts."""
    marks = find_marks(windows, language)
    cleaned = Cleaned("", len(windows))
    stretches: list[list[Word]] = []
    before: float | None = None
    for index, window in enumerate(windows):
        kept = _kept(window, marks[index][0]) if index in marks else window.words
        if index in marks:
            reason, detail = marks[index]
            cleaned.marked.append(Mark(window.start, reason, detail, window.text, len(window.words) - len(kept)))
        if not kept:
            continue
        if before is not None and window.start - before < window_s:
            cleaned.joins.append(_join(stretches[-1], kept, window.start))
        else:
            stretches.append(list(kept))
        before = window.start
    cleaned.text = "\n".join(" ".join(word.written for word in stretch) for stretch in stretches)
    return cleaned


def _kept(window: Window, reason: str) -> list[Word]:
    """The text to keep of a window: a loop is cut out, the words around it were heard all the same."""
    if reason != "looping":
        return []
    start, length, times = loop_span(window.bare)
    return [*window.words[:start], *window.words[start + length * times :]]


def _join(stretch: list[Word], words: list[Word], start: float) -> Join:
    """Append `words` to `stretch`; what both have appears once."""
    seam = find_seam(stretch, words)
    if seam is None:
        stretch += words
        return Join(start, 0)
    stretch[seam.left :] = words[seam.right :]
    return Join(start, seam.words)
