"""Files of prompts: one JSON object per line, validated; an error names the file and the line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from playground.headless.errors import UsageError
from playground.protocol.commands import ChatMessage

TokenId = Annotated[int, Meta(ge=0)]
FORMS = ("prompt", "prompt_token_ids", "messages")


class Turn(ChatMessage, frozen=True, forbid_unknown_fields=True):
    """A message without other fields."""


class PromptLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One request as written in a file; None comes from the command line. `arrival_s`: seconds."""

    prompt: str | None = None
    prompt_token_ids: Annotated[list[TokenId], Meta(min_length=1)] | None = None
    messages: Annotated[list[Turn], Meta(min_length=1)] | None = None
    max_tokens: Annotated[int, Meta(ge=1)] | None = None
    ignore_eos: bool | None = None
    temperature: Annotated[float, Meta(ge=0, le=10)] | None = None
    arrival_s: Annotated[float, Meta(ge=0)] | None = None


_lines = msgspec.json.Decoder(PromptLine)


def read_prompts(path: Path) -> list[PromptLine]:
    """Read the lines of a file, without blank ones; raises `UsageError`."""
    try:
        texts = path.read_bytes().splitlines()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from None
    prompts = [_parse(path, number, text) for number, text in enumerate(texts, 1) if text.strip()]
    if not prompts:
        raise UsageError(f"{path} holds no prompts", 'a line is for example {"prompt": "def add(a, b):"}')
    return prompts


def _parse(path: Path, number: int, text: bytes) -> PromptLine:
    try:
        line = _lines.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        keys = ", ".join(PromptLine.__struct_fields__)
        raise UsageError(f"{path}:{number}: {error}", f"a line has: {keys}") from None
    given = [form for form in FORMS if getattr(line, form) is not None]
    if len(given) != 1:
        found = " and ".join(given) or "none of them"
        raise UsageError(f"{path}:{number}: a line has one of {', '.join(FORMS)}, and this has {found}")
    return line
