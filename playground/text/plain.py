"""Makes foreign text (model output, file names, server replies) harmless to a terminal."""

from __future__ import annotations

import unicodedata
from sys import maxunicode

KEPT = "\n\t"
# Bidirectional control characters could make a line read differently.
TURNING = [*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C]
_DROPPED = dict.fromkeys(
    [code for code in range(0xA0) if unicodedata.category(chr(code)) == "Cc" and chr(code) not in KEPT]
    + TURNING
    + [0x2028, 0x2029]
    + list(range(0xD800, 0xE000))
)


def printable(text: str) -> str:
    """`text` without control characters (so no escape sequence is left) and lone surrogates; lines and tabs stay."""
    return text if text.isascii() and text.isprintable() else text.translate(_DROPPED)


def one_line(text: str, limit: int = maxunicode) -> str:
    """`text` on a single line, cut with … after `limit` characters."""
    line = " ".join(printable(text[: 4 * limit].replace("\n", " ").replace("\t", " ")).split())
    return line if len(line) <= limit else line[: max(0, limit - 1)] + "…"


def text_size(text: str) -> str:
    """The size of a text, `812 B` or `1.0 MB`: UTF-8, decimal units, as for a paste."""
    size = float(len(text.encode(errors="replace")))
    for unit in ("B", "kB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} MB"
