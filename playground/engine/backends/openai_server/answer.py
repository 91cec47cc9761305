"""One event of a stream: its text, token ids, finish reason and usage. Knows nothing of connections."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from playground.engine.backends.openai_server.faults import Malformed, ServerError, line, message_of
from playground.protocol.events import FinishReason

DONE = b"[DONE]"
# Beside OpenAI's own, those of servers that write others.
REASONS: dict[str, FinishReason] = {
    **dict.fromkeys(("stop", "eos", "eos_token", "stop_sequence", "end_turn"), "stop"),
    **dict.fromkeys(("length", "max_tokens", "model_length"), "length"),
    "abort": "abort",
}
NO_REASON = ("", "null")
FAULTS = {
    "content_filter": "the server's content filter ended the answer; other words may pass it",
    **dict.fromkeys(
        ("tool_calls", "function_call"), "the model called a tool instead of answering; none is offered, so ask again"
    ),
}
ID_FORM = "token_id:"


class Usage(msgspec.Struct, frozen=True):
    """The server's own token counts; None where it sends none, or what is none."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None


class Delta(msgspec.Struct):
    """What a chunk of a chat adds; reasoning and a refusal are text of the answer too."""

    content: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    refusal: str | None = None


class Choice(msgspec.Struct):
    """One answer of a chunk; only one is requested, number 0."""

    index: Any = 0
    text: str | None = None
    delta: Delta | None = None
    finish_reason: str | None = None
    token_ids: list[int] | None = None
    prompt_token_ids: list[int] | None = None
    logprobs: Any = None


class Chunk(msgspec.Struct):
    """The fields of a stream's event that are read; `message` is that of an error which stands for a chunk."""

    choices: list[Choice] | None = None
    usage: Any = None
    prompt_token_ids: list[int] | None = None
    error: Any = None
    message: Any = None


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """The content of one event. `token_ids` is None if the server sends none; `fault` says why the answer that ends
    here is none."""

    text: str = ""
    token_ids: list[int] | None = None
    prompt_tokens: int | None = None
    reason: FinishReason | None = None
    fault: str = ""
    usage: Usage | None = None

    @property
    def brings_text_or_tokens(self) -> bool:
        """Whether it is part of the answer; the first chunk of a chat, which only names the role, is not."""
        return bool(self.text or self.token_ids)


_decoder = msgspec.json.Decoder(Chunk)


def read_piece(data: bytes) -> Piece:
    """Read the JSON of one event. Raises `Malformed`, and `ServerError` for an error sent within a stream."""
    chunk = _decode(data)
    if said := chunk.error or (chunk.choices is None and chunk.message):
        raise ServerError(message_of(said))
    choice = next((each for each in chunk.choices or () if each.index in (0, None)), None)
    if choice is None:
        return Piece(usage=_usage(chunk.usage))
    prompt = choice.prompt_token_ids if choice.prompt_token_ids is not None else chunk.prompt_token_ids
    reason, fault = _end(choice.finish_reason or "")
    return Piece(
        text=_text(choice),
        token_ids=choice.token_ids if choice.token_ids is not None else _logprob_ids(choice.logprobs),
        prompt_tokens=None if prompt is None else len(prompt),
        reason=reason,
        fault=fault,
        usage=_usage(chunk.usage),
    )


def _decode(data: bytes) -> Chunk:
    try:
        return _decoder.decode(data)
    except UnicodeDecodeError:  # read as event streams are: with a mark in the place of what is no UTF-8
        return _decode(data.decode(errors="replace").encode())
    except msgspec.MsgspecError as error:
        try:  # half of a surrogate pair, which msgspec does not take, and whose other half is in the next chunk
            return msgspec.convert(json.loads(data), Chunk)
        except (ValueError, msgspec.MsgspecError):
            raise Malformed(f"{error} in {line(data.decode(errors='replace'))[:80]!r}") from None


def _end(reason: str) -> tuple[FinishReason | None, str]:
    """The finish reason, and what a user reads of one that is none of ours."""
    word = reason.lower()
    if word in NO_REASON:
        return None, ""
    if found := REASONS.get(word):
        return found, ""
    return "error", FAULTS.get(word, f"the server ended the answer, and says {line(reason)!r}; look at its own log")


def _usage(found: Any) -> Usage | None:
    """The counts; odd ones are left out, since the answer is whole without them."""
    if not isinstance(found, dict):
        return None
    details = found.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    return Usage(_count(found.get("prompt_tokens")), _count(found.get("completion_tokens")), _count(cached))


def _count(reported: Any) -> int | None:
    return reported if type(reported) is int and reported >= 0 else None


def _text(choice: Choice) -> str:
    if choice.delta is None:
        return choice.text or ""
    delta = choice.delta
    return (delta.reasoning or delta.reasoning_content or "") + (delta.content or delta.refusal or "")


def _logprob_ids(logprobs: Any) -> list[int] | None:
    """Ids in the place of logprob tokens, as some servers write them on request."""
    tokens = logprobs.get("tokens") if isinstance(logprobs, dict) else None
    if not isinstance(tokens, list) or not tokens:
        return None
    numbers = [str(token).removeprefix(ID_FORM) for token in tokens]
    whole = all(str(token).startswith(ID_FORM) for token in tokens) and all(map(str.isdecimal, numbers))
    return list(map(int, numbers)) if whole else None
