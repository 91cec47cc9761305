"""What each kind of weights costs and saves here: switch, answer the same prompt, note; then back to what was."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import msgspec

from playground.protocol.commands import Abort, GenerationRequest, SamplingParams, SetOptions, Submit
from playground.tui.bridge import Bridge
from playground.tui.session import NotNow, disturbed

KINDS = ("model", "int8", "nf4")
PROMPT, TOKENS = "def add_numbers(a, b):\n", 96


class Kind(msgspec.Struct):
    """One kind: bytes of the weights, seconds that the switch to it took, decode TPS; None where it was not measured.
    `fault` says why."""

    name: str
    bytes: int | None = None
    switch_s: float | None = None
    tps: float | None = None
    fault: str = ""


class WeightsTrial:
    """Call `advance` whenever events came in; `kinds` fills up. One prompt at a time, nothing else beside it."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge, self._state = bridge, bridge.state
        self._course: Iterator[None] = iter(())
        self._numbers = count(1)
        self._stopped = False
        self.kinds: list[Kind] = []
        self.now: Kind | None = None

    def start(self) -> None:
        """Begin with the first kind; raises `NotNow`."""
        if self.now:
            raise NotNow("the kinds of weights are being measured; Esc stops it")
        if reason := disturbed(self._state):
            raise NotNow(reason)
        if self._state.unfinished:
            raise NotNow("requests run, and would disturb the measurement; wait, or stop them on screen 1")
        self._stopped, self.kinds = False, [Kind(name) for name in KINDS]
        self._course = self._all()
        self.advance()

    def stop(self) -> None:
        """End the prompt that runs, skip the kinds to come, and go back."""
        self._stopped = True
        self._bridge.send(Abort())

    def advance(self) -> None:
        """Go on as far as what has come in allows."""
        next(self._course, None)

    def _all(self) -> Iterator[None]:
        before = self._state.requested.weights
        for kind in self.kinds:
            if self._stopped or self._state.exited:
                break
            self.now = kind
            yield from self._switch(kind)
            if not kind.fault:
                yield from self._run(kind)
        if not self._state.exited and self._state.requested.weights != before:
            self._bridge.send(SetOptions(changes={"weights": before}))
            yield from self._settled()
        self.now = None

    def _switch(self, kind: Kind) -> Iterator[None]:
        if self._state.requested.weights != kind.name:
            toggle = self._state.capabilities.toggle("weights")
            support = toggle.find(kind.name) if toggle else None
            if support is None or not support.possible:
                kind.fault = support.reason if support else "this engine has no such weights"
                return
            self._bridge.send(SetOptions(changes={"weights": kind.name}))
            yield from self._settled()
            switch = self._state.switch
            if self._state.requested.weights != kind.name or switch is None:
                kind.fault = "it did not work; the notice says why"
                return
            kind.switch_s = switch.applied.seconds
        kind.bytes = self._state.memory.weights

    def _settled(self) -> Iterator[None]:
        while self._state.switching and not self._state.exited:
            yield

    def _run(self, kind: Kind) -> Iterator[None]:
        name = f"weights-{next(self._numbers)}-{kind.name}"
        sampling = SamplingParams(max_tokens=TOKENS, ignore_eos=True)
        self._bridge.send(Submit(requests=[GenerationRequest(request_id=name, prompt=PROMPT, sampling=sampling)]))
        while not (finished := self._state.requests[name].finished):
            yield
        kind.tps = finished.metrics.decode_tps if finished.reason != "error" else None
        kind.bytes = self._state.memory.weights or kind.bytes
