"""Measures how many requests the same bytes hold, by KV dtype: switch, reserve, run them together; then restore."""

from __future__ import annotations

from itertools import count

from playground.protocol.commands import GenerationRequest, SamplingParams, Submit
from playground.protocol.options import TOGGLES, Value, blocks_for
from playground.telemetry.kv_size import fitting
from playground.tui.inside.trial import Steps, TrialRunner
from playground.tui.session import NotNow
from playground.tui.state.kv_capacity import request_id, trial_shape

# Tokens that each request decodes at its end: only then do all that fit run at the same time.
DECODED = 8
TOUCHED = ("kv_cache", "kv_blocks", "max_batch", "token_budget")
MOST_SLOTS = int(TOGGLES["max_batch"].high or 1)
MOST_TOKENS = int(TOGGLES["token_budget"].high or 1)


class KVTrial:
    """Its results are in the state."""

    def __init__(self, runner: TrialRunner) -> None:
        self._runner, self._state = runner, runner.state
        self._numbers = count(1)

    def start(self) -> None:
        """Begin with the first dtype; raises `NotNow`."""
        cache, blocks = (self._state.capabilities.toggle(name) for name in ("kv_cache", "kv_blocks"))
        if cache is None or blocks is None or cache.cost != "cache":
            raise NotNow("this engine does not change its KV cache while it runs")
        self._runner.begin(self._all([value.value for value in cache.values if value.possible]))

    def _all(self, kinds: list[str]) -> Steps:
        before = {name: getattr(self._state.toggles.requested, name) for name in TOUCHED}
        for kind in kinds:
            if not self._runner.stopped:
                yield from self._try(kind, before)
        yield from self._runner.switch(before)

    def _try(self, kind: str, before: dict[str, Value]) -> Steps:
        yield from self._runner.switch(before | {"kv_cache": kind, "kv_blocks": "auto"})
        pool, facts = self._state.inside.kv.pool, self._state.facts
        if self._runner.stopped or self._state.toggles.requested.kv_cache != kind or pool is None or facts is None:
            return
        (tokens, budget), size = trial_shape(facts, pool), self._state.toggles.requested.block_size
        requests = fitting(facts, kind, size, budget, tokens)
        if not 0 < requests < MOST_SLOTS:
            return
        blocks = blocks_for(tokens, size)
        # The computed number is where to begin; the bytes that the engine says it reserved decide.
        yield from self._reserve(requests, blocks, tokens)
        while self._state.memory.kv_reserved <= budget and requests < MOST_SLOTS and not self._runner.stopped:
            requests += 1
            yield from self._reserve(requests, blocks, tokens)
        while self._state.memory.kv_reserved > budget and requests > 1 and not self._runner.stopped:
            requests -= 1
            yield from self._reserve(requests, blocks, tokens)
        if not self._runner.stopped and self._state.memory.kv_reserved <= budget:
            yield from self._run(kind, requests + 1, tokens)

    def _reserve(self, requests: int, blocks: int, tokens: int) -> Steps:
        yield from self._runner.switch(
            {
                "kv_blocks": str(requests * blocks),
                "max_batch": requests,
                "token_budget": min(MOST_TOKENS, requests * tokens),
            }
        )

    def _run(self, kind: str, requests: int, tokens: int) -> Steps:
        """Run one request more than fits, which has to wait."""
        number, facts = next(self._numbers), self._state.facts
        vocabulary, decoded = facts.vocabulary if facts else 2, min(DECODED, tokens - 1)
        sampling = SamplingParams(max_tokens=decoded, ignore_eos=True)
        asked = [
            GenerationRequest(
                request_id=request_id(number, kind, index),
                # No common prefix: a shared block would be held only once.
                prompt_token_ids=[(index + 7 * at) % vocabulary for at in range(tokens - decoded)],
                sampling=sampling,
            )
            for index in range(requests)
        ]
        self._runner.bridge.send(Submit(requests=asked))
        result = self._state.inside.kv.results[kind]
        # A model that is loaded meanwhile starts with empty results.
        while result.running and self._state.inside.kv.results.get(kind) is result and not self._state.model.exited:
            yield
