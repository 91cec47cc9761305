"""The transformers backend in process: submit, step to the end, read the events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from playground.engine.backends.transformers.backend import TransformersBackend
from playground.protocol.commands import GenerationRequest, LoadModel, SamplingParams, SetOptions, Submit
from playground.protocol.events import Event, LoadStage, OptionsApplied, RequestFinished, StepsExecuted, TokensGenerated
from playground.protocol.options import EngineOptions, Value
from playground.protocol.steps import Step
from tests.engine.transformers.reference import DEVICE

MOST_STEPS = 5000


class Driven:
    """One loaded model; options not named are small and fixed, so that no run depends on this machine's memory."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.events: list[Event] = []
        self.backend = TransformersBackend(self.events.append)
        fixed = {"device": DEVICE, "dtype": "float32", "kv_blocks": "64"}
        self.backend.load(LoadModel(model=str(folder), options=EngineOptions(**(fixed | options))), quiet)

    def set(self, **changes: Value) -> OptionsApplied:
        """Change toggles now."""
        self.backend.set_options(SetOptions(changes=changes), quiet)
        return self.of(OptionsApplied)[-1]

    def rebuild(self) -> OptionsApplied:
        """Recompute requests that went through a coarser cache."""
        self.backend.set_options(SetOptions(changes={}, rebuild=True), quiet)
        return self.of(OptionsApplied)[-1]

    def submit(self, requests: Sequence[GenerationRequest]) -> None:
        """Queue requests together."""
        self.backend.submit(Submit(requests=list(requests)), received=0.0)

    def run(
        self, requests: Sequence[GenerationRequest], at: Mapping[int, dict[str, Value]] | None = None
    ) -> list[list[int]]:
        """Submit, step until nothing is left, with `at`: toggles to change before the n-th step from here. Output
        ids in order of `requests`."""
        seen = len(self.events)
        self.submit(requests)
        self.finish(at)
        return [self.output(request.request_id, seen) for request in requests]

    def finish(self, at: Mapping[int, dict[str, Value]] | None = None) -> None:
        """Step until nothing is left."""
        for step in range(MOST_STEPS):
            if not self.backend.busy:
                return
            if at and step in at:
                self.set(**at[step])
            self.backend.step()
        raise AssertionError(f"not done after {MOST_STEPS} steps")

    def output(self, request_id: str, since: int = 0) -> list[int]:
        """Output ids of a request in the events from number `since` on."""
        events = [event for event in self.of(TokensGenerated, since) if event.request_id == request_id]
        return [token_id for event in events for token_id in event.token_ids]

    def text(self, request_id: str) -> str:
        """Output text of a request."""
        return "".join(event.text for event in self.of(TokensGenerated) if event.request_id == request_id)

    def finished(self, request_id: str) -> RequestFinished:
        """How a request ended, the last time."""
        return next(event for event in reversed(self.of(RequestFinished)) if event.request_id == request_id)

    @property
    def steps(self) -> list[Step]:
        """All steps so far."""
        return [step for event in self.of(StepsExecuted) for step in event.steps]

    def of(self, kind: type, since: int = 0) -> list[Any]:
        """Events of a class."""
        return [event for event in self.events[since:] if isinstance(event, kind)]


def ask(
    prompts: Sequence[list[int]], most: Sequence[int] | int = 16, name: str = "r", **sampling: Any
) -> list[GenerationRequest]:
    """Requests `r0`, `r1`, … for prompts given as token ids; `most`: max_tokens, one for all or one each."""
    lengths = [most] * len(prompts) if isinstance(most, int) else most
    return [
        GenerationRequest(
            request_id=f"{name}{index}",
            prompt_token_ids=prompt,
            sampling=SamplingParams(max_tokens=length, **sampling),
        )
        for index, (prompt, length) in enumerate(zip(prompts, lengths, strict=True))
    ]


def quiet(stage: LoadStage, done: int = 0, total: int = 0, detail: str = "") -> None:
    """A progress that ignores every report."""
