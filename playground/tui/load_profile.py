"""What a load is made of, and the requests drawn from it: the same for every policy that runs it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from random import Random
from typing import Literal, NamedTuple

from playground.bench.load.arrivals import Arrivals
from playground.bench.load.lengths import Lengths
from playground.bench.load.requests import Shape, draw_requests
from playground.protocol.commands import GenerationRequest, Submit
from playground.tui.compare_state import is_run

Policy = Literal["static", "continuous"]
POLICIES: tuple[Policy, ...] = ("static", "continuous")
_ID = re.compile(r"load(\d+)-(static|continuous)-(\d+)")


@dataclass(frozen=True)
class LoadProfile:
    """`prompt` in tokens; `shared` is the per cent of it that every prompt begins with; `slots` run at a time."""

    requests: int = 64
    arrivals: Arrivals = field(default_factory=Arrivals)
    lengths: Lengths = field(default_factory=Lengths)
    prompt: int = 32
    shared: int = 0
    slots: int = 8
    seed: int = 0

    @property
    def shared_tokens(self) -> int:
        """Tokens of the common prefix."""
        return self.prompt * self.shared // 100


class Name(NamedTuple):
    """What the id of a load's request says."""

    load: int
    policy: Policy
    place: int


def requests(profile: LoadProfile, policy: Policy, load: int, vocabulary: int) -> list[GenerationRequest]:
    """One `Submit`'s worth. Only the ids differ between policies: prompts, lengths and arrivals come from the seed."""
    shape = Shape(profile.prompt, profile.shared_tokens, profile.lengths)
    name, random = f"load{load}-{policy}", Random(profile.seed)
    return draw_requests(name, profile.requests, profile.arrivals, shape, vocabulary, random)


def read_name(request_id: str) -> Name | None:
    """What the id says; None for a request that belongs to no load."""
    match = _ID.fullmatch(request_id)
    if match is None:
        return None
    return Name(int(match[1]), "static" if match[2] == "static" else "continuous", int(match[3]))


def run_kind(command: Submit) -> str:
    """What the history calls what a screen submits."""
    if read_name(command.requests[0].request_id):
        return "load"
    return "compare" if is_run(command) else "chat"
