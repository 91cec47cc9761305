"""How many positions a model has here: all that it was made for, unless answers would depend on their neighbours."""

from __future__ import annotations

from typing import Any

from playground.engine.checkpoint.config import context_of

# Rotary positions that get other frequencies once any row of a forward is longer than this, and rows that were already
# computed keep the former ones.
UNCHANGED_UP_TO = {"longrope": "original_max_position_embeddings", "dynamic": "max_position_embeddings"}


def served_context(config: Any) -> int:
    """Positions up to which every row has the same frequencies, whatever runs beside it."""
    return min([context_of(config), *_unchanged(config).values()])


def why_shorter(config: Any) -> str:
    """Why the context is not all that the model was made for; empty if it is."""
    context, most = served_context(config), context_of(config)
    kinds = "/".join(_unchanged(config))
    return (
        f"context {context} of {most}: past it a long row changes the {kinds} of all others" if context < most else ""
    )


def _unchanged(config: Any) -> dict[str, int]:
    text = config.get_text_config()
    whole = getattr(text, "rope_parameters", None) or {}
    ropes = [
        whole,
        *(rope for rope in whole.values() if isinstance(rope, dict)),
    ]  # some have one for each kind of layer
    kinds = {kind: rope for rope in ropes if (kind := rope.get("rope_type")) in UNCHANGED_UP_TO}
    lengths = {kind: _length(UNCHANGED_UP_TO[kind], rope, text) for kind, rope in kinds.items()}
    return {kind: length for kind, length in lengths.items() if length}


def _length(name: str, rope: dict[str, Any], text: Any) -> int | None:
    return rope.get(name) or getattr(text, name, None)
