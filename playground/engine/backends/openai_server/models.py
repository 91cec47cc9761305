"""A server's list of models, whose entries have more or fewer fields on each kind of server."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from playground.engine.backends.openai_server.faults import Malformed, line


class Model(NamedTuple):
    """One model; `context` in tokens, 0 where the server does not tell it."""

    id: str
    owned_by: str = ""
    context: int = 0


def read_models(body: bytes) -> list[Model]:
    """Read the answer of `/models`: each model once, entries without a name left out. Raises `Malformed`."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise Malformed(f"no list of models, but {line(body.decode(errors='replace'))[:80]!r}") from None
    entries = found.get("data", found.get("models")) if isinstance(found, dict) else found
    if not isinstance(entries, list | None):
        raise Malformed("no list of models")
    models = [_model(entry) for entry in entries or () if isinstance(entry, dict) and isinstance(entry.get("id"), str)]
    return list({model.id: model for model in models if model.id}.values())


def _model(entry: dict[str, Any]) -> Model:
    owner, context = entry.get("owned_by"), str(entry.get("max_model_len"))
    return Model(entry["id"], owner if isinstance(owner, str) else "", int(context) if context.isdecimal() else 0)
