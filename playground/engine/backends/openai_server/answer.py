"""One event of a stream: its text, token ids, finish reason and usage. Knows nothing of connections."""

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
    """The server's own token counts; None where it sends none, or a negative one."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: Details | None = None

    def __post_init__(self) -> None:
        self.prompt_tokens, self.completion_tokens = _count(self.prompt_tokens), _count(self.completion_tokens)


class Delta(msgspec.Struct):
    """What a chunk of a chat adds; reasoning is text of the answer too."""

    content: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None


class Choice(msgspec.Struct):
    """One answer of a chunk; only one is requested."""

    text: str | None = None
    delta: Delta | None = None
    finish_reason: str | None = None
    token_ids: list[int] | None = None
    prompt_token_ids: list[int] | None = None
    logprobs: Any = None


class Chunk(msgspec.Struct):
    """The fields of a stream's event that are read."""

    choices: list[Choice] | None = None
    usage: Usage | None = None
    prompt_token_ids: list[int] | None = None
    error: Any = None


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """The content of one event. `token_ids` is None if the server sends none."""

    text: str = ""
    token_ids: list[int] | None = None
    prompt_tokens: int | None = None
    reason: FinishReason | None = None
    usage: Usage | None = None

    @property
    def brings_text_or_tokens(self) -> bool:
        """Whether it is part of the answer; the first chunk of a chat, which only names the role, is not."""
        return bool(self.text or self.token_ids)


_decoder = msgspec.json.Decoder(Chunk)


def read_piece(data: bytes) -> Piece:
    """Read the JSON of one event. Raises `Malformed`, also for an error sent within a stream."""
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


def _count(reported: int | None) -> int | None:
    return None if reported is None or reported < 0 else reported


def _text(choice: Choice) -> str:
    if choice.delta is None:
        return choice.text or ""
    delta = choice.delta
    return (delta.reasoning or delta.reasoning_content or "") + (delta.content or "")


def _logprob_ids(logprobs: Any) -> list[int] | None:
    """Ids in the place of logprob tokens, as some servers write them on request."""
    tokens = logprobs.get("tokens") if isinstance(logprobs, dict) else None
    if not isinstance(tokens, list) or not tokens:
        return None
    numbers = [str(token).removeprefix(ID_FORM) for token in tokens]
    whole = all(str(token).startswith(ID_FORM) for token in tokens) and all(map(str.isdecimal, numbers))
    return list(map(int, numbers)) if whole else None
