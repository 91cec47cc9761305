"""One request as the engine holds it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from playground.engine.speculation import NgramIndex
from playground.protocol.commands import SamplingParams
from playground.protocol.timing import RequestTimer


@dataclass(eq=False)
class Request:
    """Token ids, progress and blocks of one request; `computed` tokens have their keys and values stored.

    `root`: the start of its hash chain, from the options under which its first block was started.
    `kv_origin`: the coarser kv_cache that some of its tokens were stored in; a finer one cannot undo it. `draft_ids`:
    the draft proposed for the next step. `generator`: this request's random generator, kept across preemptions and
    reloads.
    """

    request_id: str
    prompt_ids: list[int]
    sampling: SamplingParams
    timer: RequestTimer
    order: int = 0
    output_ids: list[int] = field(default_factory=list)
    computed: int = 0
    cached_tokens: int = 0
    slot: int | None = None
    finished: bool = False
    preemptions: int = 0
    kv_origin: str = ""
    table: list[int] = field(default_factory=list)
    hashes: list[bytes] = field(default_factory=list)
    root: bytes = b""
    draft_ids: list[int] = field(default_factory=list)
    ngrams: NgramIndex = field(default_factory=NgramIndex)
    generator: Any = None

    @property
    def length(self) -> int:
        """Tokens known so far, prompt and output."""
        return len(self.prompt_ids) + len(self.output_ids)

    @property
    def remaining(self) -> int:
        """Known tokens whose keys and values are not stored yet; 1 while decoding."""
        return self.length - self.computed

    @property
    def longest(self) -> int:
        """Tokens that this request can grow to."""
        return len(self.prompt_ids) + self.sampling.max_tokens

    def token_ids(self, start: int, stop: int) -> list[int]:
        """Known token ids from position `start` to `stop`."""
        prompt = len(self.prompt_ids)
        if start >= prompt:
            return self.output_ids[start - prompt : stop - prompt]
        return (self.prompt_ids + self.output_ids)[start:stop] if stop > prompt else self.prompt_ids[start:stop]
