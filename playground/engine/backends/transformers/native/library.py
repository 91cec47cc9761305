"""A C++ source of this folder as a loaded library."""

from __future__ import annotations

import re
from ctypes import CDLL
from pathlib import Path

FOLDER = Path(__file__).parent


def load(name: str) -> CDLL:
    """Compile the file for this machine, unless cached, and load it. Raises `RuntimeError` or `OSError` if that
    fails."""
    from torch._inductor.codecache import CppCodeCache  # takes seconds to import, and only compile=on needs it

    library: CDLL = CppCodeCache.load(_whole(name), extra_flags=("-ffp-contract=fast",))
    return library


def _whole(name: str) -> str:
    """The source with its headers inlined, since the compiler's cache is keyed by the text."""
    text = (FOLDER / name).read_text().replace("#pragma once\n", "")
    return re.sub(r'#include "(.+)"', lambda header: _whole(header[1]), text)
