"""Windows of a long transcript, as lines `[Chunk start 25.00s]: words` in a plain text file."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from playground.speech.known_phrases import normalized

LINE = re.compile(r"\s*\[\s*chunk\s+start\s+(\d+(?:[.,]\d+)?)\s*s?\s*\]\s*:?\s*(.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Word:
    """A word as written, and as compared: without case, accents of emphasis and punctuation."""

    written: str
    bare: str


@dataclass
class Window:
    """The text heard from `start` on, in seconds."""

    start: float
    text: str
    words: list[Word] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.words = split(self.text)

    @property
    def bare(self) -> list[str]:
        """The words as they are compared."""
        return [word.bare for word in self.words]


def split(text: str) -> list[Word]:
    """The words of a text; a lone dash or mark belongs to the word before it."""
    words: list[Word] = []
    for written in text.split():
        bare = normalized(written).replace(" ", "")
        if bare or not words:
            words.append(Word(written, bare))
        else:
            words[-1] = Word(f"{words[-1].written} {written}", words[-1].bare)
    return [word for word in words if word.bare]


def read_windows(text: str) -> list[Window]:
    """Read the windows in order of their starts. A line without a start continues the window before it; text before the
    first start is a window at 0. Raises `ValueError` without any window."""
    found: list[tuple[float, list[str]]] = []
    for line in text.lstrip("\ufeff").splitlines():
        if match := LINE.fullmatch(line):
            found.append((float(match[1].replace(",", ".")), [match[2]]))
        elif line.strip():
            if not found:
                found.append((0.0, []))
            found[-1][1].append(line)
    if not found:
        raise ValueError("it holds no words")
    return sorted((Window(start, " ".join(lines).strip()) for start, lines in found), key=lambda window: window.start)
