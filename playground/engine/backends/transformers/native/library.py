"""A source of this folder as a loaded library."""

from __future__ import annotations

import re
from ctypes import CDLL
from pathlib import Path

FOLDER = Path(__file__).parent


def load(name: str) -> CDLL:
    """Our C++ of this file, compiled for this machine unless it was before. Raises `RuntimeError` or `OSError` where
    that fails."""
    from torch._inductor.codecache import CppCodeCache  # seconds of import that only compile=on needs

    library: CDLL = CppCodeCache.load(_whole(name), extra_flags=("-ffp-contract=fast",))
    return library


def _whole(name: str) -> str:
    """The source with its headers in it: what was compiled is known again by its text."""
    text = (FOLDER / name).read_text().replace("#pragma once\n", "")
    return re.sub(r'#include "(.+)"', lambda header: _whole(header[1]), text)
