"""Measures what each kind of weights costs and saves here: switch, answer the same prompt; then restore."""

from __future__ import annotations

from itertools import count

import msgspec

from playground.protocol.commands import GenerationRequest, SamplingParams, Submit
from playground.tui.inside.trial import Steps, TrialRunner
from playground.tui.session import NotNow
from playground.tui.state.weights_answers import request_id

KINDS = ("model", "int8", "nf4")
UNTOLD = "this engine does not tell what its model weighs"
PROMPT, TOKENS = "def add_numbers(a, b):\n", 96


class Kind(msgspec.Struct):
    """One kind: bytes of its weights, seconds of the switch to it, decode TPS; None if not measured. `fault`: why."""

    name: str
    bytes: int | None = None
    switch_s: float | None = None
    tps: float | None = None
    fault: str = ""


class WeightsTrial:
    """`kinds` fills up as the trial goes on; `now` is the one being measured."""

    def __init__(self, runner: TrialRunner) -> None:
        self._runner, self._state = runner, runner.state
        self._numbers = count(1)
        self.kinds: list[Kind] = []
        self.now: Kind | None = None

    def start(self) -> None:
        """Begin with the first kind; raises `NotNow`."""
        facts = self._state.facts
        if facts and not facts.kv_bytes_per_token:
            raise NotNow(UNTOLD)
        self._runner.begin(self._all())

    def _all(self) -> Steps:
        before, self.kinds = self._state.toggles.requested.weights, [Kind(name) for name in KINDS]
        for kind in self.kinds:
            if not self._runner.stopped:
                self.now = kind
                yield from self._switch(kind)
                if not kind.fault:
                    yield from self._run(kind)
        self.now = None
        yield from self._runner.switch({"weights": before})

    def _switch(self, kind: Kind) -> Steps:
        if self._state.toggles.requested.weights != kind.name:
            toggle = self._state.capabilities.toggle("weights")
            support = toggle.find(kind.name) if toggle else None
            if support is None or not support.possible:
                kind.fault = support.reason if support else "this engine has no such weights"
                return
            yield from self._runner.switch({"weights": kind.name})
            applied = self._state.toggles.applied
            if self._state.toggles.requested.weights != kind.name or applied is None:
                kind.fault = "it did not work; the notice says why"
                return
            kind.switch_s = applied.seconds
        kind.bytes = self._state.memory.weights

    def _run(self, kind: Kind) -> Steps:
        if self._runner.stopped:
            return
        name, answers = request_id(next(self._numbers), kind.name), self._state.inside.weights
        sampling = SamplingParams(max_tokens=TOKENS, ignore_eos=True)
        asked = GenerationRequest(request_id=name, prompt=PROMPT, sampling=sampling)
        self._runner.bridge.send(Submit(requests=[asked]))
        while name in answers and answers[name] is None and self._state.inside.weights is answers:
            yield
        # A stopped answer's rate would be that of fewer tokens.
        finished = answers.get(name)
        kind.tps = finished.metrics.decode_tps if finished and finished.reason == "length" else None
        kind.bytes = self._state.memory.weights or kind.bytes
