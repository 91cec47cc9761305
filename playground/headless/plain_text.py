"""Model output as text that a terminal only prints: it never obeys it."""

from __future__ import annotations

import unicodedata

KEPT = "\n\t"


def printable(text: str) -> str:
    """`text` without control characters, escapes included; line feeds and tabs stay."""
    return "".join(letter for letter in text if letter in KEPT or unicodedata.category(letter) != "Cc")
