"""Whether an engine's first answers were compared with a reference, as text."""

from __future__ import annotations

from collections.abc import Mapping

UNVERIFIED = "unverified"


def verified(effective: Mapping[str, str]) -> str:
    """`verified`, or `unverified: why`; empty for an engine that does not compare."""
    word = effective.get("verified", "")
    return f"{word}: {effective.get('verified_facts', '')}" if word == UNVERIFIED else word
