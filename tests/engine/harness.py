"""The real loop on the fake runner, checking invariants after every step."""

from __future__ import annotations

from collections import Counter

from playground.engine.blocks import BlockManager
from playground.engine.core import EngineCore
from playground.engine.request import Request
from playground.engine.scheduler import Limits
from playground.protocol.commands import GenerationRequest, SamplingParams
from playground.protocol.events import Event, RequestFinished, StepsExecuted, TokensGenerated
from playground.protocol.steps import Step
from tests.engine.fake_runner import Clock, FakeRunner


def check_partition(blocks: BlockManager, requests: list[Request]) -> None:
    """Every block is free, cached for its prefix, or in as many tables as it has references."""
    owners = Counter(block for request in requests for block in request.table)
    assert all(blocks.references(block) == owners[block] for block in range(blocks.count))
    free, idle = list(blocks._free), list(blocks._idle)
    assert sorted([*free, *idle, *owners]) == list(range(blocks.count))
    assert (blocks.free, blocks.cached, blocks.used) == (len(free), len(idle), len(owners))
    assert all(len(set(request.table)) == len(request.table) for request in requests)


class Harness:
    """One engine, its events, and a clock of one second a step."""

    def __init__(self, limits: Limits | None = None, blocks: int = 64, size: int = 4, context: int = 400) -> None:
        self.clock = Clock()
        self.runner = FakeRunner(self.clock, blocks, size, context)
        self.events: list[Event] = []
        self.core = EngineCore(self.runner, self.events.append, self.clock)
        self.core.limits = limits or Limits()

    def submit(self, name: str, prompt: list[int], max_tokens: int = 8, delay_s: float = 0.0, **sampling) -> None:
        params = SamplingParams(max_tokens=max_tokens, **sampling)
        request = GenerationRequest(request_id=name, prompt_token_ids=prompt, sampling=params, delay_s=delay_s)
        self.core.submit(request, self.clock.now)

    def step(self) -> Step:
        """One step, with its bookkeeping checked."""
        self.core.step()
        step = next(event for event in reversed(self.events) if isinstance(event, StepsExecuted)).steps[-1]
        works = [slot for slot in step.slots if slot.phase in ("prefill", "decode")]
        assert sum(slot.tokens for slot in works) <= self.core.limits.token_budget
        active = [request for request in self.core.running if not request.finished]
        assert len(active) <= self.core.limits.slots
        slots = [request.slot for request in self.core.running]
        assert len(set(slots)) == len(slots) and None not in slots
        check_partition(self.runner.blocks, self.core.running)
        assert not any(request.table for request in self.core.waiting)
        assert all(len(request.table) == -(-request.computed // self.runner.blocks.size) for request in active)
        return step

    def drain(self, most: int = 3000) -> None:
        """Step until nothing is left; jump to the next arrival when there is nothing to do."""
        for _ in range(most):
            if self.core.busy:
                self.step()
            elif self.core.next_arrival is not None:
                self.clock.now = self.core.next_arrival
            else:
                return
        raise AssertionError("starved")

    @property
    def steps(self) -> list[Step]:
        """Every step so far."""
        return [step for event in self.events if isinstance(event, StepsExecuted) for step in event.steps]

    def tokens(self, name: str) -> list[int]:
        """All output ids of a request."""
        events = [event for event in self.events if isinstance(event, TokensGenerated) and event.request_id == name]
        return [token_id for event in events for token_id in event.token_ids]

    def text(self, name: str) -> str:
        """All text of a request."""
        events = [event for event in self.events if isinstance(event, TokensGenerated) and event.request_id == name]
        return "".join(event.text for event in events)

    def finished(self, name: str) -> RequestFinished | None:
        """How a request ended; it ends once."""
        events = [event for event in self.events if isinstance(event, RequestFinished) and event.request_id == name]
        assert len(events) <= 1
        return events[0] if events else None

    def first_seen(self, name: str) -> int:
        """The step in which a request first computed."""
        return next(s.index for s in self.steps if any(slot.request_id == name for slot in s.slots))
