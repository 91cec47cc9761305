"""How many requests the same bytes really hold, by KV dtype: switch, reserve, run them together; then back."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from playground.protocol.commands import Abort, GenerationRequest, SamplingParams, SetOptions, Submit
from playground.protocol.options import TOGGLES, Value
from playground.telemetry.kv_size import fitting
from playground.tui.bridge import Bridge
from playground.tui.kv_fit import request_id, tried
from playground.tui.session import NotNow, disturbed

# A request's last tokens are decoded, so that those that fit are there together.
DECODED = 8
TOUCHED = ("kv_cache", "kv_blocks", "max_batch", "token_budget")
MOST_SLOTS = int(TOGGLES["max_batch"].high or 1)
MOST_TOKENS = int(TOGGLES["token_budget"].high or 1)


class KVTrial:
    """Call `advance` whenever events came in; what was found stands in the state. Nothing else runs beside it."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge, self._state = bridge, bridge.state
        self._course: Iterator[None] = iter(())
        self._numbers = count(1)
        self._kinds: list[str] = []
        self._stopped = False

    @property
    def running(self) -> bool:
        """It goes on."""
        return self._state.inside.kv.trying

    def start(self) -> None:
        """Begin with the first dtype; raises `NotNow`."""
        toggle = self._state.capabilities.toggle("kv_cache")
        if toggle is None or toggle.cost != "cache":
            raise NotNow("this engine does not switch its KV cache while it runs")
        if reason := disturbed(self._state):
            raise NotNow(reason)
        if self._state.unfinished or self._state.switching:
            raise NotNow("requests run, and would disturb the measurement; wait, or stop them on screen 1")
        self._stopped, self._state.inside.kv.trying = False, True
        self._kinds = [value.value for value in toggle.values if value.possible]
        self._course = self._all()
        self.advance()

    def stop(self) -> None:
        """End the requests that run, skip the dtypes to come, and go back."""
        self._stopped = True
        self._bridge.send(Abort())

    def advance(self) -> None:
        """Go on as far as what has come in allows."""
        next(self._course, None)

    def _all(self) -> Iterator[None]:
        before = {name: getattr(self._state.requested, name) for name in TOUCHED}
        for kind in self._kinds:
            if not self._over:
                yield from self._try(kind, before)
        if not self._state.exited:
            yield from self._set(before)
        self._state.inside.kv.trying = False

    @property
    def _over(self) -> bool:
        return self._stopped or self._state.exited is not None or self._state.facts is None

    def _try(self, kind: str, before: dict[str, Value]) -> Iterator[None]:
        yield from self._set(before | {"kv_cache": kind, "kv_blocks": "auto"})
        pool, facts = self._state.inside.kv.pool, self._state.facts
        if self._over or self._state.requested.kv_cache != kind or pool is None or facts is None:
            return
        (tokens, budget), size = tried(facts, pool), self._state.requested.block_size
        requests = fitting(facts, kind, size, budget, tokens)
        if not 0 < requests < MOST_SLOTS:
            return
        blocks = -(-tokens // size)
        # What is computed is where to begin: what the engine says that it reserved decides.
        yield from self._reserve(requests, blocks, tokens)
        while self._state.memory.kv_reserved <= budget and requests < MOST_SLOTS and not self._over:
            requests += 1
            yield from self._reserve(requests, blocks, tokens)
        while self._state.memory.kv_reserved > budget and requests > 1 and not self._over:
            requests -= 1
            yield from self._reserve(requests, blocks, tokens)
        if not self._over and self._state.memory.kv_reserved <= budget:
            yield from self._run(kind, requests + 1, tokens)

    def _reserve(self, requests: int, blocks: int, tokens: int) -> Iterator[None]:
        yield from self._set(
            {
                "kv_blocks": str(requests * blocks),
                "max_batch": requests,
                "token_budget": min(MOST_TOKENS, requests * tokens),
            }
        )

    def _set(self, options: dict[str, Value]) -> Iterator[None]:
        changes = {name: value for name, value in options.items() if getattr(self._state.requested, name) != value}
        if changes:
            self._bridge.send(SetOptions(changes=changes))
            while self._state.switching and not self._state.exited:
                yield

    def _run(self, kind: str, requests: int, tokens: int) -> Iterator[None]:
        """One more than fits: it has to wait."""
        number, facts = next(self._numbers), self._state.facts
        vocabulary, decoded = facts.vocabulary if facts else 2, min(DECODED, tokens - 1)
        sampling = SamplingParams(max_tokens=decoded, ignore_eos=True)
        asked = [
            GenerationRequest(
                request_id=request_id(number, kind, index),
                # No two begin alike: a block that they shared would be held once.
                prompt_token_ids=[(index + 7 * at) % vocabulary for at in range(tokens - decoded)],
                sampling=sampling,
            )
            for index in range(requests)
        ]
        self._bridge.send(Submit(requests=asked))
        fit = self._state.inside.kv.fits[kind]
        # A model that is loaded anew meanwhile knows of none.
        while fit.left and self._state.inside.kv.fits.get(kind) is fit and not self._state.exited:
            yield
