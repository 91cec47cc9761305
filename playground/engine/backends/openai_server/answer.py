"""One event of a stream as what it brings: text, token ids, an end, a count. Knows nothing of connections."""

from __future__ import annotations

from typing import Any

import msgspec

from playground.engine.backends.openai_server.faults import Malformed, line
from playground.protocol.events import FinishReason

DONE = b"[DONE]"
REASONS: dict[str, FinishReason] = {"stop": "stop", "length": "length", "abort": "abort"}
ID_FORM = "token_id:"


class Details(msgspec.Struct):
    """How many of the prompt's tokens were cached."""

    cached_tokens: int | None = None

    def __post_init__(self) -> None:
        self.cached_tokens = _count(self.cached_tokens)


class Usage(msgspec.Struct):
    """The server's own count; None where it tells none, or one below zero."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: Details | None = None

    def __post_init__(self) -> None:
        self.prompt_tokens, self.completion_tokens = _count(self.prompt_tokens), _count(self.completion_tokens)


class Delta(msgspec.Struct):
    """What a chat's chunk adds; reasoning is text of the answer too."""

    content: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None


class Choice(msgspec.Struct):
    """One answer of a chunk; we ask for one alone."""

    text: str | None = None
    delta: Delta | None = None
    finish_reason: str | None = None
    token_ids: list[int] | None = None
    prompt_token_ids: list[int] | None = None
    logprobs: Any = None


class Chunk(msgspec.Struct):
    """One event of a stream, as far as it is read."""

    choices: list[Choice] | None = None
    usage: Usage | None = None
    prompt_token_ids: list[int] | None = None
    error: Any = None


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """What one event brought. `token_ids` is None where the server tells none."""

    text: str = ""
    token_ids: list[int] | None = None
    prompt_tokens: int | None = None
    reason: FinishReason | None = None
    usage: Usage | None = None

    @property
    def brings_text_or_tokens(self) -> bool:
        """It is a part of the answer; a chat's first chunk, with the role alone, is not."""
        return bool(self.text or self.token_ids)


_decoder = msgspec.json.Decoder(Chunk)


def read_piece(data: bytes) -> Piece:
    """The JSON of one event. Raises `Malformed`, also for an error that comes within a stream."""
    try:
        chunk = _decoder.decode(data)
    except msgspec.MsgspecError as error:
        raise Malformed(f"{error} in {line(data.decode(errors='replace'))[:80]!r}") from None
    if chunk.error:
        said = chunk.error.get("message") if isinstance(chunk.error, dict) else chunk.error
        raise Malformed(f"an error instead of an answer: {line(str(said))}")
    if not chunk.choices:
        return Piece(usage=chunk.usage)
    choice = chunk.choices[0]
    prompt = choice.prompt_token_ids if choice.prompt_token_ids is not None else chunk.prompt_token_ids
    return Piece(
        text=_text(choice),
        token_ids=choice.token_ids if choice.token_ids is not None else _logprob_ids(choice.logprobs),
        prompt_tokens=None if prompt is None else len(prompt),
        reason=REASONS.get(choice.finish_reason, "stop") if choice.finish_reason else None,
        usage=chunk.usage,
    )


def _count(told: int | None) -> int | None:
    return None if told is None or told < 0 else told


def _text(choice: Choice) -> str:
    if choice.delta is None:
        return choice.text or ""
    delta = choice.delta
    return (delta.reasoning or delta.reasoning_content or "") + (delta.content or "")


def _logprob_ids(logprobs: Any) -> list[int] | None:
    """Ids that stand in the place of a logprob's token, as some servers write them when they are asked to."""
    tokens = logprobs.get("tokens") if isinstance(logprobs, dict) else None
    if not isinstance(tokens, list) or not tokens:
        return None
    numbers = [str(token).removeprefix(ID_FORM) for token in tokens]
    whole = all(str(token).startswith(ID_FORM) for token in tokens) and all(map(str.isdecimal, numbers))
    return list(map(int, numbers)) if whole else None
