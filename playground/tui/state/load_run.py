"""One run of a load, by one policy or engine: a fold over its submission and the engine's events."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from playground.bench.load.two_engines import same_answers
from playground.protocol.commands import GenerationRequest
from playground.protocol.commands import Lengths as RequestLengths
from playground.protocol.events import BlocksMapped, RequestFinished, Simulated, TokensGenerated
from playground.protocol.percentiles import SHARES, percentiles
from playground.protocol.steps import Step
from playground.text.sequences import common_prefix
from playground.tui.board.model import BoardModel, Usage
from playground.tui.letters import Letters
from playground.tui.state.load_cost import CostFit


class LoadRun:
    """Letters go by the order of arrival, so that a request has the same one on both sides. `elsewhere`: on another
    engine than the session's. `dtype`: the one that its engine reports."""

    def __init__(self, side: str, load: int, requests: Sequence[GenerationRequest], elsewhere: bool = False) -> None:
        self.side, self.load, self.elsewhere = side, load, elsewhere
        self.dtype = ""
        self.requests = {request.request_id: request for request in requests}
        self.letters = Letters()
        for request_id in self.requests:
            self.letters[request_id]
        self.board = BoardModel(self.letters)
        self._first_step: int | None = None  # as the engine counts
        self.fit = CostFit()
        self.tokens: dict[str, list[int]] = {request_id: [] for request_id in self.requests}
        self.finished: dict[str, RequestFinished] = {}
        self.made = 0
        self.predicted: Simulated | None = None
        self.blocks: BlocksMapped | None = None
        self.fullest: BlocksMapped | None = None

    @property
    def done(self) -> bool:
        """Whether every request has ended."""
        return len(self.finished) == len(self.requests)

    @property
    def whole(self) -> bool:
        """Whether every request ran to its length: nothing was stopped, refused or failed."""
        return self.done and all(event.reason == "length" for event in self.finished.values())

    @property
    def fault(self) -> str:
        """The message of the first failed request."""
        failed = (event.message for event in self.finished.values() if event.reason == "error")
        return next(failed, "")

    @property
    def asked(self) -> int:
        """Output tokens that the whole run makes."""
        return sum(request.sampling.max_tokens for request in self.requests.values())

    @property
    def slots(self) -> int:
        """Rows of its board."""
        return len(self.board.runs)

    @property
    def usage(self) -> Usage:
        """Slot-steps so far."""
        return self.board.usage

    def add_steps(self, steps: Sequence[Step]) -> None:
        """Add steps of this run; the board numbers them from 1."""
        if steps and self._first_step is None:
            self._first_step = steps[0].index
        numbered = enumerate(steps, self.board.total + 1)
        self.board.add([msgspec.structs.replace(step, index=number) for number, step in numbered])
        self.fit.add(steps)

    def steps_before(self, blocks: BlocksMapped) -> int:
        """How many steps of this run came before a block map."""
        return max(0, blocks.step - (self._first_step or 0))

    def add_tokens(self, event: TokensGenerated) -> None:
        """Add tokens of one of its requests."""
        self.tokens[event.request_id] += event.token_ids
        self.made += len(event.token_ids)

    def add_blocks(self, event: BlocksMapped) -> None:
        """Add a block map of this run; the fullest is kept for afterwards."""
        self.blocks = event
        if self.fullest is None or _held(event) >= _held(self.fullest):
            self.fullest = event

    @property
    def makespan(self) -> float | None:
        """Seconds from the first arrival to the last token; while it runs, to the end of the newest step."""
        if self.done:
            return max((self._end(event) for event in self.finished.values()), default=None)
        if not self.board.total:
            return None
        newest = self.board.moment(self.board.total - 1)
        return newest.start + newest.seconds - self.board.origin

    @property
    def tps(self) -> float | None:
        """System TPS: output tokens over the makespan."""
        return self.made / self.makespan if self.makespan else None

    def ttft(self) -> list[float | None]:
        """p50, p90, p99 of TTFT over the requests that have a first token, by nearest rank."""
        known = [event.metrics.ttft_s for event in self.finished.values() if event.metrics.ttft_s is not None]
        return percentiles([(seconds, 1) for seconds in known], SHARES)

    def tpot(self) -> list[float | None]:
        """p50, p90, p99 of TPOT over the requests of two tokens and more, by nearest rank."""
        known = [event.metrics.tpot_s for event in self.finished.values() if event.metrics.tpot_s is not None]
        return percentiles([(seconds, 1) for seconds in known], SHARES)

    def lengths(self) -> list[RequestLengths]:
        """The requests of this run in the form that the simulator takes."""
        prompts = [request.prompt_token_ids or [] for request in self.requests.values()]
        shared = common_prefix(*prompts)
        return [
            RequestLengths(
                request_id=request.request_id,
                prompt=len(prompt),
                output=request.sampling.max_tokens,
                shared=shared,
                delay_s=request.delay_s,
            )
            for request, prompt in zip(self.requests.values(), prompts, strict=True)
        ]

    def _end(self, event: RequestFinished) -> float:
        return self.requests[event.request_id].delay_s + (event.metrics.e2e_s or 0.0)


def _held(blocks: BlocksMapped) -> int:
    return sum(len(table.blocks) for table in blocks.tables.values())


def same_tokens(one: LoadRun, other: LoadRun) -> int:
    """How many requests got the same tokens in both runs; they are matched by their place in the load."""
    return same_answers([*one.tokens.values()], [*other.tokens.values()])
