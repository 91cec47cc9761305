"""One request as seen from outside the server."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import msgspec

from playground.engine.backends.openai_server.answer import Piece, Usage
from playground.engine.detokenizer import StopText
from playground.protocol.events import FinishReason
from playground.protocol.metrics import RequestMetrics
from playground.protocol.timing import RequestTimer


@dataclass(eq=False)
class StreamedRequest:
    """`reports_token_ids`: whether the server sends the ids of all tokens; None until something arrived. If not,
    `chunks` are counted, and only `usage` says how many tokens they were. `fault`: why the server's end is none;
    `half`: of a character that was cut between two chunks."""

    request_id: str
    path: str
    body: dict[str, Any]
    timer: RequestTimer
    order: int
    future: Future[None] | None = None
    reports_token_ids: bool | None = None
    chunks: int = 0
    characters_after_first: int = 0
    prompt_tokens: int = 0
    usage: Usage = field(default_factory=Usage)
    reason: FinishReason | None = None
    fault: str = ""
    stop: StopText = field(default_factory=lambda: StopText(()))
    half: str = ""
    slot: int | None = None

    def take(self, now: float, piece: Piece) -> bool:
        """Count what arrived; returns whether it is part of the answer."""
        self.usage = piece.usage or self.usage
        self.reason, self.fault = piece.reason or self.reason, piece.fault or self.fault
        if piece.prompt_tokens is not None:
            self.prompt_tokens = piece.prompt_tokens
        if not piece.brings_text_or_tokens:
            return False
        self.reports_token_ids = self.reports_token_ids is not False and piece.token_ids is not None
        if self.timer.first is not None:
            self.characters_after_first += len(piece.text)
        count = len(piece.token_ids or ()) if self.reports_token_ids else 1
        if count:
            self.timer.received(now, count)
        self.chunks += 1
        return True

    def certain(self, text: str) -> str:
        """What can be shown now that `text` has come: whole characters, and nothing past a stop string."""
        text = self.half + text
        self.half = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
        pairs = text.removesuffix(self.half).encode("utf-16", "surrogatepass")
        return self.stop.feed(pairs.decode("utf-16", "replace"))

    def metrics(self) -> RequestMetrics:
        """Every number. Rates and gaps are of tokens, or None: chunks are never counted as tokens."""
        timer, usage = self.timer, self.usage
        if not self.reports_token_ids:
            tokens = usage.completion_tokens or 0
            if timer.tokens not in (tokens, tokens - 1):  # unless each chunk was one token, except an EOS without text
                timer.gaps = []
            timer.tokens = tokens
        at_once = timer.first == timer.last
        if at_once:  # when each token was made, nobody knows
            timer.gaps = []
        prompt = self.prompt_tokens if usage.prompt_tokens is None else usage.prompt_tokens
        found = timer.metrics(prompt, self.characters_after_first)
        return msgspec.structs.replace(
            found,
            cached_tokens=usage.cached_tokens,
            tpot_s=None if at_once else found.tpot_s,
            chunks=0 if self.reports_token_ids else self.chunks,
        )
