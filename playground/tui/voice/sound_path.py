"""Finds the path of a sound file in text that was typed, pasted or dropped: terminals paste a dropped file's path
quoted, escaped or as a file:// address."""

from __future__ import annotations

import shlex
from pathlib import Path
from urllib.parse import unquote, urlsplit

from playground.paths import expand

SUFFIXES = (".wav", ".flac", ".mp3", ".opus", ".ogg", ".m4a", ".aac", ".wma", ".webm", ".mp4", ".mkv")
LONGEST = 4096


def sound_path(text: str) -> Path | None:
    """The file, if the text is the path of an existing sound file; None for all other text."""
    text = text.strip()
    if not text or len(text) > LONGEST or "\n" in text:
        return None
    for candidate in (text, *_unquoted(text)):
        path = expand(candidate)
        if path.suffix.lower() in SUFFIXES and _is_file(path):
            return path.absolute()
    return None


def _unquoted(text: str) -> list[str]:
    if text.startswith("file://"):
        return [unquote(urlsplit(text).path)]
    try:
        words = shlex.split(text)
    except ValueError:
        return []
    return words if len(words) == 1 else []


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
