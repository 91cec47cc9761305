"""The place of a model: gives out the words of written answers at a fixed pace."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import cycle
from time import sleep

from playground.engine.admission import Refused
from playground.engine.blocks import BlockManager
from playground.engine.detokenizer import Piece
from playground.engine.request import Request
from playground.engine.scheduler import Work
from playground.protocol.commands import GenerationRequest

STEP_S, PREFILL_TOKEN_S = 0.004, 0.0002
BLOCKS, BLOCK_SIZE, KV_BYTES_PER_TOKEN, CONTEXT = 256, 32, 4096, 4096


class ScriptedRunner:
    """See `engine.runner.Runner`. Each request gets the next answer, word by word."""

    def __init__(self, answers: Sequence[Sequence[str]]) -> None:
        self.blocks = BlockManager(BLOCKS, BLOCK_SIZE)
        self.context, self.splits_at_blocks = CONTEXT, False
        self._answers = cycle(answers)
        self._scripts: dict[str, list[str]] = {}
        self._vocabulary: list[str] = [""]

    def encode(self, request: GenerationRequest) -> list[int]:
        """One id per word."""
        texts = [message.content for message in request.messages or ()]
        text = request.prompt if request.prompt is not None else " ".join(texts)
        if request.prompt_token_ids is None and not text.strip():
            raise Refused("the prompt is empty; type something first")
        ids = request.prompt_token_ids or [self._id(word) for word in re.findall(r"\s*\S+", text)]
        self._scripts[request.request_id] = list(next(self._answers))
        return ids

    def detokenizer(self, prompt_ids: list[int]) -> Piece:
        """Every id is a word of the vocabulary."""
        return self._vocabulary.__getitem__

    def is_end(self, token_id: int) -> bool:
        """Id 0 ends an answer."""
        return token_id == 0

    def run(self, works: Sequence[Work], held: Sequence[Request]) -> list[list[int]]:
        """See `engine.runner.Runner`; takes `STEP_S`, plus `PREFILL_TOKEN_S` per prefill token."""
        sleep(STEP_S + PREFILL_TOKEN_S * sum(work.tokens for work in works if not work.decode))
        return [[self._next(work.request)] if work.tokens == work.request.remaining else [] for work in works]

    def forget(self, request: Request) -> None:
        """Nothing is stored."""

    def kv_bytes(self, running: Sequence[Request]) -> int:
        """Bytes of KV as if a model of this shape ran."""
        return self.blocks.used * self.blocks.size * KV_BYTES_PER_TOKEN

    def _next(self, request: Request) -> int:
        script = self._scripts[request.request_id]
        at = len(request.output_ids)
        return self._id(script[at]) if at < len(script) else 0

    def _id(self, word: str) -> int:
        if word not in self._vocabulary:
            self._vocabulary.append(word)
        return self._vocabulary.index(word)
