"""The profile of a load, and the requests drawn from it: the same for every policy or engine that runs it."""

from __future__ import annotations

import re
from random import Random
from typing import NamedTuple

import msgspec

from playground.bench.load.arrivals import Arrivals
from playground.bench.load.lengths import Lengths
from playground.bench.load.requests import Shape, draw_requests
from playground.protocol.commands import GenerationRequest, Submit
from playground.protocol.options import EngineName, Policy
from playground.tui.state.compare import is_run
from playground.tui.state.kv_capacity import is_capacity_trial
from playground.tui.state.weights_answers import is_weights_trial

POLICIES: tuple[Policy, Policy] = ("static", "continuous")
STATIC: Policy = POLICIES[0]
# Engines of models; a server would first need its URL.
MODEL_ENGINES: tuple[EngineName, ...] = ("vllm", "transformers")
OTHER_ENGINES: tuple[EngineName, ...] = (*MODEL_ENGINES, "scripted")
_ID = re.compile(r"load(\d+)-([a-z]+)-(\d+)")


class LoadProfile(msgspec.Struct, frozen=True):
    """`prompt` in tokens; the first `shared` per cent are the same in every prompt; `slots` requests run at a time.
    `against`: static batching on the session's engine, or another engine under continuous batching."""

    requests: int = 64
    arrivals: Arrivals = msgspec.field(default_factory=Arrivals)
    lengths: Lengths = msgspec.field(default_factory=Lengths)
    prompt: int = 32
    shared: int = 0
    slots: int = 8
    against: str = STATIC
    seed: int = 0

    @property
    def shared_tokens(self) -> int:
        """Tokens of the common prefix."""
        return self.prompt * self.shared // 100

    def sides(self, engine: str) -> tuple[str, str]:
        """What runs first and what runs second, in a session on `engine`."""
        return POLICIES if self.against == STATIC else (engine, self.against)


class Name(NamedTuple):
    """The parts of a request id of a load; `side` is a policy or an engine."""

    load: int
    side: str
    place: int


def requests(profile: LoadProfile, side: str, load: int, vocabulary: int) -> list[GenerationRequest]:
    """The requests of one side. Only ids differ between sides: prompts, lengths and arrivals come from the seed."""
    shape = Shape(profile.prompt, profile.shared_tokens, profile.lengths)
    name, random = f"load{load}-{side}", Random(profile.seed)
    return draw_requests(name, profile.requests, profile.arrivals, shape, vocabulary, random)


def read_name(request_id: str) -> Name | None:
    """Parse a request id; None if it belongs to no load."""
    match = _ID.fullmatch(request_id)
    return Name(int(match[1]), match[2], int(match[3])) if match else None


def run_kind(command: Submit) -> str:
    """The history's kind of a submission; empty if it is not to be kept: a comparison keeps its own runs, and requests
    that only fill the KV cache are not a run."""
    if is_run(command) or is_capacity_trial(command):
        return ""
    if is_weights_trial(command):
        return "weights"
    return "load" if read_name(command.requests[0].request_id) else "chat"
