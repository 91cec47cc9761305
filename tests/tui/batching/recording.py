"""Records a load: the real engine loop on a fake clock, with a runner that checks what blocks hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from playground.engine.block_map import block_map
from playground.engine.core import EngineCore
from playground.engine.prediction import predict
from playground.engine.request import Request
from playground.engine.scheduler import Limits, Work
from playground.protocol.capabilities import Capabilities
from playground.protocol.commands import Command, LoadModel, SetOptions, Simulate, StepSeconds, Submit
from playground.protocol.events import Event, ModelLoaded, OptionsApplied, WorkerReady
from playground.protocol.options import EngineOptions, as_text, with_changes
from playground.session.recording import Entry
from playground.tui.state.load_profile import POLICIES, LoadProfile, requests
from playground.tui.state.load_run import LoadRun
from tests.engine.fake_runner import Clock, FakeRunner
from tests.model_facts import TINY_CODER

STEP_S, PREFILL_TOKEN_S, PAUSE_S = 0.004, 0.0001, 0.0005
CAPABILITIES = Capabilities(engine="transformers")


class PacedRunner(FakeRunner):
    """Steps take time in proportion to their prefill tokens."""

    def run(self, works: Sequence[Work], held: Sequence[Request]) -> list[list[int]]:
        self._clock.now += STEP_S + PREFILL_TOKEN_S * sum(work.tokens for work in works if not work.decode)
        return [self._compute(work) for work in works]


def load_events(profile: LoadProfile, side: str, load: int = 1, start: float = 1.0) -> Iterator[Command | Event]:
    """The submission and every event of one run under continuous batching, with a block map every eighth step."""
    policy = side if side in POLICIES else "continuous"
    submit = Submit(requests=requests(profile, side, load, TINY_CODER.vocabulary))
    clock = Clock()
    clock.now = start
    events: list[Event] = []
    core = EngineCore(PacedRunner(clock, blocks=128, size=16, context=8192), events.append, clock)
    core.limits = Limits(policy, profile.slots, 256)
    yield submit
    for request in submit.requests:
        core.submit(request, clock.now)
    while core.busy or core.next_arrival is not None:
        if not core.busy:
            clock.now = core.next_arrival or clock.now
            continue
        core.step()
        clock.now += PAUSE_S
        if core.step_index % 8 == 0:
            events.append(block_map(core))
        yield from events
        events.clear()


def _predicted(profile: LoadProfile) -> Iterator[Event]:
    """The simulations of both policies at the cost of a step here."""
    run = LoadRun("static", 1, requests(profile, "static", 1, TINY_CODER.vocabulary))
    cost = StepSeconds(base=STEP_S + PAUSE_S, prefill_token=PREFILL_TOKEN_S)
    for policy in POLICIES:
        yield predict(
            Simulate(
                policy=policy,
                requests=run.lengths(),
                slots=profile.slots,
                token_budget=256,
                block_size=16,
                blocks=128,
                cost=cost,
            )
        )


def recording(profile: LoadProfile, sides: Sequence[str] = POLICIES) -> list[Entry]:
    """A model is loaded on the transformers engine, and a load is run; another engine's side changes no toggle."""
    options = EngineOptions()
    messages: list[Command | Event] = [
        WorkerReady(pid=1, role="engine", clock=0.0, capabilities=CAPABILITIES),
        LoadModel(model=TINY_CODER.path),
        ModelLoaded(facts=TINY_CODER, capabilities=CAPABILITIES),
        OptionsApplied(changed=[], requested=options, effective=as_text(options)),
    ]
    for number, side in enumerate(sides):
        changes = {"batching": side if side in POLICIES else "continuous", "max_batch": profile.slots}
        changed = with_changes(options, changes)
        if side in (*POLICIES, CAPABILITIES.engine):
            messages.append(SetOptions(changes=changes))
            messages.append(OptionsApplied(changed=["batching"], requested=changed, effective=as_text(changed)))
        messages += _predicted(profile) if side in POLICIES else ()
        messages += load_events(profile, side, start=1.0 + 100 * number)
    return [
        Entry(t=1.0, command=message) if isinstance(message, Command) else Entry(t=1.0, event=message)  # type: ignore[arg-type]
        for message in messages
    ]
