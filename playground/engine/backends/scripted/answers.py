"""Answers of the engine without a model: the texts of a recording, or a built-in one."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from playground.engine.backends.base import EngineError
from playground.protocol.events import TokensGenerated
from playground.protocol.wire import decode_event

ANSWER = '''def add_numbers(a, b):
    """Return the sum of two numbers."""
    return a + b
'''
ADVICE = "name a recording made with --record"


def read_answers(model: str) -> list[list[str]]:
    """Every answer of a recording (`.jsonl`) in pieces, or the built-in one for any other name; raises
    `EngineError`."""
    if not model.endswith(".jsonl"):
        return [re.findall(r"\s*\S+|\s+$", ANSWER)]
    try:
        answers = _recorded(Path(model))
    except OSError as error:
        raise EngineError(f"cannot read {model}: {error.strerror}", ADVICE) from None
    except msgspec.DecodeError:
        raise EngineError(f"{model} is no recording", ADVICE) from None
    if not answers:
        raise EngineError(f"{model} holds no generated tokens", ADVICE)
    return answers


def _recorded(path: Path) -> list[list[str]]:
    answers: dict[str, list[str]] = {}
    for line in path.read_bytes().splitlines():
        raw = msgspec.json.decode(line, type=dict[str, msgspec.Raw]).get("event")
        event = decode_event(bytes(raw)) if raw else None
        if isinstance(event, TokensGenerated):
            answers.setdefault(event.request_id, []).append(event.text)
    return list(answers.values())
