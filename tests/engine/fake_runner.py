"""A thin double at the model boundary: the next token is a function of all tokens before it, read through the blocks.

Every stored position holds a digest of the history up to it, so a stale, mixed-up or overwritten block changes what
comes next. Everything above the boundary (loop, scheduler, blocks, timers, detokenizer) is the real code.
"""

from __future__ import annotations

from collections.abc import Sequence

from playground.engine.blocks import BlockManager
from playground.engine.detokenizer import Piece
from playground.engine.request import Request
from playground.engine.scheduler import Work
from playground.protocol.commands import GenerationRequest

VOCABULARY, END = 40, 0


class Clock:
    """Time that only passes when a test moves it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def digest(before: int, token_id: int, weights: int = 0) -> int:
    """The history up to and including one token, under some weights."""
    return (before * 6364136223846793005 + token_id * 1442695040888963407 + weights + 12345) % 2**64


def choose(state: int) -> int:
    """The token that follows a history."""
    return (state >> 33) % VOCABULARY


def expected(prompt: list[int], max_tokens: int, ignore_eos: bool = False, weights: int = 0) -> list[int]:
    """What a request must answer when it runs alone with unlimited room."""
    state, output = 0, []
    for token_id in prompt:
        state = digest(state, token_id, weights)
    while len(output) < max_tokens and (ignore_eos or output[-1:] != [END]):
        output.append(choose(state))
        state = digest(state, output[-1], weights)
    return output


class FakeRunner:
    """See `engine.runner.Runner`. A step takes one second of its clock."""

    def __init__(self, clock: Clock, blocks: int = 64, size: int = 4, context: int = 400) -> None:
        self.blocks, self.context, self.weights = BlockManager(blocks, size), context, 0
        self.splits_at_blocks = False
        self._clock, self._stored = clock, {}

    def encode(self, request: GenerationRequest) -> list[int]:
        return list(request.prompt_token_ids or [])

    def detokenizer(self, prompt_ids: list[int]) -> Piece:
        return lambda token_id: f"{token_id} "

    def is_end(self, token_id: int) -> bool:
        return token_id == END

    def run(self, works: Sequence[Work], held: Sequence[Request]) -> list[list[int]]:
        self._clock.now += 1.0
        assert all(request.finished and request.table for request in held)
        return [self._compute(work) for work in works]

    def _compute(self, work: Work) -> list[int]:
        request, start = work.request, work.request.computed
        known = request.token_ids(start, start + work.tokens - len(work.drafts))
        state, states = self._read(request, start - 1) if start else 0, []
        for position, token_id in enumerate([*known, *work.drafts], start):
            state = digest(state, token_id, self.weights)
            self._write(request, position, state)
            states.append(state)
        if self.splits_at_blocks and work.drafts:
            assert start // self.blocks.size == (start + work.tokens - 1) // self.blocks.size
        if start + len(known) < request.length:
            return []
        best = [choose(state) for state in states[len(known) - 1 :]]
        held = next((at for at, token in enumerate(work.drafts) if token != best[at]), len(work.drafts))
        return best[: held + 1]

    def _read(self, request: Request, position: int) -> int:
        return self._stored[request.table[position // self.blocks.size], position % self.blocks.size]

    def _write(self, request: Request, position: int, state: int) -> None:
        block = request.table[position // self.blocks.size]
        assert self.blocks.references(block) == 1, "written while shared"
        self._stored[block, position % self.blocks.size] = state

    def forget(self, request: Request) -> None: ...

    def kv_bytes(self, running: Sequence[Request]) -> int:
        return len({block for request in running for block in request.table})
