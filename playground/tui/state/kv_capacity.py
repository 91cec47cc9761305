"""Measured KV capacity by dtype: blocks allotted by the engine, and requests that ran concurrently: a fold."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from playground.protocol.commands import Submit
from playground.protocol.events import OptionsApplied, RequestFinished
from playground.protocol.model_facts import ModelFacts
from playground.protocol.steps import Step
from playground.protocol.wire import AnyEvent
from playground.tui.state.trial_ids import belongs, submits

# The trial: requests of TOKENS tokens, in the bytes that REQUESTS of them take in the model's dtype.
TOKENS, REQUESTS = 256, 4
_ID = re.compile(r"fit\d+-(\w+)-\d+")


class Pool(msgspec.Struct, frozen=True):
    """`tokens` that the engine allotted blocks for by itself, in `bytes`, which include the tails of `slots`."""

    tokens: int
    bytes: int
    slots: int


class CapacityResult(msgspec.Struct):
    """A trial with requests of `tokens` tokens: `concurrent` of them ran at a time in `bytes` (tails included);
    `running`: ids not finished; `complete`: every finished one reached its full length."""

    tokens: int
    bytes: int
    running: set[str]
    concurrent: int = 0
    complete: bool = True


class KVCapacity:
    """`pools` and `results` are by dtype; `pool` is the newest pool."""

    def __init__(self) -> None:
        self.pools: dict[str, Pool] = {}
        self.results: dict[str, CapacityResult] = {}
        self.pool: Pool | None = None
        self._reserved = 0

    def begin(self, command: Submit) -> None:
        """The trial submits its requests."""
        request = command.requests[0]
        tokens = len(request.prompt_token_ids or ()) + request.sampling.max_tokens
        ids = {request.request_id for request in command.requests}
        self.results[_kind(request.request_id)] = CapacityResult(tokens, self._reserved, ids)

    def apply(self, event: OptionsApplied) -> None:
        """Remember the pool size the engine chose under kv_blocks=auto."""
        blocks, options = event.effective.get("kv_blocks", ""), event.requested
        self._reserved = event.after.kv_reserved
        if options.kv_blocks == "auto" and blocks.isdecimal():
            self.pool = Pool(int(blocks) * options.block_size, self._reserved, options.max_batch)
            self.pools[options.kv_cache] = self.pool

    def add_steps(self, steps: Sequence[Step]) -> None:
        """Count the requests of a trial that held slots in the same step."""
        for result in (result for result in self.results.values() if result.running):
            for step in steps:
                result.concurrent = max(
                    result.concurrent, sum(work.request_id in result.running for work in step.slots)
                )

    def finish(self, event: RequestFinished) -> None:
        """A request ended; a trial with one that was stopped or failed has no result."""
        for kind, result in list(self.results.items()):
            if event.request_id in result.running:
                result.running.remove(event.request_id)
                result.complete &= event.reason == "length"
                if not result.running and not result.complete:
                    del self.results[kind]


def trial_shape(facts: ModelFacts, pool: Pool) -> tuple[int, int]:
    """(tokens per request, byte budget) of the trial, limited by the pool."""
    tokens = min(TOKENS, facts.context)
    return tokens, min(pool.bytes, REQUESTS * tokens * facts.kv_bytes_per_token)


def request_id(number: int, kind: str, index: int) -> str:
    """The id of one of the trial's requests."""
    return f"fit{number}-{kind}-{index}"


def is_capacity_trial(command: Submit) -> bool:
    """See `submits`."""
    return submits(command, _ID)


def of_capacity_trial(event: AnyEvent) -> bool:
    """See `belongs`."""
    return belongs(event, _ID)


def _kind(name: str) -> str:
    match = _ID.fullmatch(name)
    return match[1] if match else ""
