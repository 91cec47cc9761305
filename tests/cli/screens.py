"""What a command shows on a pseudo-terminal."""

from __future__ import annotations

import os
import select


def read_until(screen: int, text: bytes | None, patience_s: float = 60.0) -> bytes:
    """What a terminal showed until it showed `text`, or until its last writer ended."""
    seen = b""
    while text is None or text not in seen:
        assert select.select([screen], [], [], patience_s)[0], seen
        try:
            seen += os.read(screen, 65536)
        except OSError:  # nobody writes there any more
            assert text is None, seen
            break
    return seen
