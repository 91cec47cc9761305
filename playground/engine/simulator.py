"""Simulate a batching policy on given arrivals and lengths, without a model.

It is the engine's own loop, with its scheduler and its blocks, on a runner that knows how long each answer will be and
on a clock that a cost model moves on. So a prediction differs from a run only by what the cost model does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from playground.engine.blocks import BlockManager
from playground.engine.core import EngineCore
from playground.engine.detokenizer import Piece
from playground.engine.request import Request
from playground.engine.scheduler import Limits, Work
from playground.protocol.commands import GenerationRequest, SamplingParams
from playground.protocol.events import Event, RequestFinished, StepsExecuted
from playground.protocol.steps import SlotWork, Step

StepCost = Callable[[Sequence[Work], Sequence[Request]], float]


@dataclass(frozen=True)
class Arrival:
    """A simulated request. The first `shared` prompt tokens are common to all requests. `at` is in the unit of the cost
    model, steps or seconds."""

    request_id: str
    prompt_tokens: int
    output_tokens: int
    at: float = 0.0
    shared: int = 0


@dataclass(frozen=True)
class Prediction:
    """What would happen, and why some requests would be refused. Times and `makespan` in the unit of the cost model."""

    steps: list[Step]
    refused: dict[str, str]

    @property
    def makespan(self) -> float:
        """From the first step's start to the last step's end, waits for arrivals included."""
        return self.steps[-1].start + self.steps[-1].seconds - self.steps[0].start if self.steps else 0.0

    @property
    def occupancy(self) -> float | None:
        """Busy slot-steps / slot-steps."""
        return self._share(lambda slot: slot.busy)

    @property
    def waste(self) -> float | None:
        """Idle-but-held slot-steps / slot-steps."""
        return self._share(lambda slot: slot.phase == "held")

    def _share(self, counted: Callable[[SlotWork], bool]) -> float | None:
        slots = [slot for step in self.steps for slot in step.slots]
        return sum(map(counted, slots)) / len(slots) if slots else None


def one_step(works: Sequence[Work], held: Sequence[Request]) -> float:
    """The cost model that counts time in steps."""
    return 1.0


def simulate(
    arrivals: Sequence[Arrival], limits: Limits, blocks: BlockManager, cost: StepCost = one_step
) -> Prediction:
    """Run all `arrivals` to completion under `limits`; `blocks` must not be shared with an engine."""
    runner, events = _LengthsRunner(arrivals, blocks, cost), list[Event]()
    core = EngineCore(runner, events.append, runner.clock)
    core.limits = limits
    for arrival in arrivals:
        sampling = SamplingParams(max_tokens=arrival.output_tokens)
        core.submit(GenerationRequest(request_id=arrival.request_id, sampling=sampling, delay_s=arrival.at), 0.0)
    while core.busy or core.next_arrival is not None:
        if core.busy:
            core.step()
        else:
            runner.now = core.next_arrival or runner.now
    steps = [step for event in events if isinstance(event, StepsExecuted) for step in event.steps]
    ends = [event for event in events if isinstance(event, RequestFinished)]
    return Prediction(steps, {end.request_id: end.message for end in ends if end.reason == "error"})


class _LengthsRunner:
    """See `engine.runner.Runner`: every answer goes on until its length is reached, every token costs time alone."""

    def __init__(self, arrivals: Sequence[Arrival], blocks: BlockManager, cost: StepCost) -> None:
        self.blocks, self.now, self.splits_at_blocks = blocks, 0.0, False
        self.context = 1 + max((arrival.prompt_tokens + arrival.output_tokens for arrival in arrivals), default=0)
        self._cost = cost
        self._arrivals = {arrival.request_id: (number, arrival) for number, arrival in enumerate(arrivals, 1)}

    def clock(self) -> float:
        """The time that the steps so far have cost."""
        return self.now

    def encode(self, request: GenerationRequest) -> list[int]:
        """Ids that agree between two requests as far as their prompts do."""
        number, arrival = self._arrivals[request.request_id]
        shared = min(arrival.shared, arrival.prompt_tokens)
        return [0] * shared + [number] * (arrival.prompt_tokens - shared)

    def detokenizer(self, prompt_ids: list[int]) -> Piece:
        """Text is not predicted."""
        return lambda token_id: ""

    def is_end(self, token_id: int) -> bool:
        """The length alone ends an answer."""
        return False

    def run(self, works: Sequence[Work], held: Sequence[Request]) -> list[list[int]]:
        """One token for each work that completes a request's known tokens; the token is the request's number."""
        self.now += self._cost(works, held)
        return [
            [self._arrivals[work.request.request_id][0]] if work.tokens == work.request.remaining else []
            for work in works
        ]

    def forget(self, request: Request) -> None:
        """Nothing is stored."""

    def kv_bytes(self, running: Sequence[Request]) -> int:
        """Blocks are counted, bytes are not known."""
        return 0
