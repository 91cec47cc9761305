"""Runs a load twice on the same requests, under two policies or on two engines, and restores the toggles in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import count

import msgspec

from playground.bench.engine import EngineFailed
from playground.bench.load.two_engines import same_options
from playground.protocol.commands import Abort, MapBlocks, ResetPrefixCache, SetOptions, Simulate, StepSeconds, Submit
from playground.protocol.options import Policy, Value
from playground.session.history.run import Run
from playground.tui.batching.engine import LoadEngine
from playground.tui.session import NotNow, Session
from playground.tui.state.load_profile import POLICIES, STATIC, LoadProfile, requests
from playground.tui.state.load_run import LoadRun

ON_A_SERVER = "the model is on its server, and no engine here can load it"


class LoadDriver:
    """Call `advance` whenever events came in. `fault` is one line saying why the last load ended early."""

    def __init__(self, session: Session, keep: Callable[[Run], None] | None) -> None:
        self._session, self._bridge, self._state, self._keep = session, session.bridge, session.state, keep
        self._steps: Iterator[None] = iter(())
        self._other: LoadEngine | None = None
        self._task: asyncio.Task[None] | None = None
        self._loads = count(1)
        self._stopped = False
        self.fault = ""

    @property
    def busy(self) -> bool:
        """Whether a load is being driven."""
        return self._state.load.busy

    def start(self, profile: LoadProfile) -> None:
        """Begin; raises `NotNow` if a load would disturb or could not run."""
        self._session.require_idle("a load")
        if reason := self.why_not(profile):
            raise NotNow(reason)
        self.fault, self._stopped = "", False
        self._state.load.begin_load(profile.sides(self._state.capabilities.engine))
        self._steps = self._both(profile, next(self._loads))
        self.advance()

    def stop(self) -> None:
        """End the current run, and skip the next."""
        if self.busy and not self._stopped:
            self._stopped = True
            if self._other is None:
                self._bridge.send(Abort())
            elif self._task and not self._other.stop():
                self._task.cancel()

    def advance(self) -> None:
        """Continue as far as the events so far allow."""
        next(self._steps, None)

    def ask_for_blocks(self) -> None:
        """Ask the engine of the current run which request holds which block."""
        if self._other:
            self._other.ask_for_blocks()
        elif self._state.load.running:
            self._bridge.send(MapBlocks())

    def why_not(self, profile: LoadProfile) -> str:
        """Why the model or the engine cannot run this load; empty if it can."""
        facts = self._state.facts
        if facts and facts.context and profile.prompt + profile.lengths.high > facts.context:
            return f"prompt and answer can be longer than the model's context of {facts.context} tokens"
        if profile.against != STATIC:
            return self._no_other_engine(profile.against)
        toggle = self._state.capabilities.toggle("batching")
        kinds = [(policy, toggle.find(policy) if toggle else None) for policy in POLICIES]
        return next((f"batching {policy}: {kind.reason}" for policy, kind in kinds if kind and not kind.possible), "")

    def _no_other_engine(self, other: str) -> str:
        engine = self._state.capabilities.engine
        if engine == "openai":
            return ON_A_SERVER
        return f"this session is on {engine} itself; compare it with another engine" if other == engine else ""

    def _both(self, profile: LoadProfile, load: int) -> Iterator[None]:
        options = self._state.toggles.requested
        restore: dict[str, Value] = {"batching": options.batching, "max_batch": options.max_batch}
        try:
            if profile.against == STATIC:
                for policy in POLICIES:
                    yield from self._here(policy, policy, profile, load)
            else:
                yield from self._here(self._state.capabilities.engine, "continuous", profile, load)
                yield from self._elsewhere(profile, load)
        finally:
            if self._state.facts:
                self._bridge.send(SetOptions(changes=restore, measuring=True))
            self._state.load.busy = False

    def _here(self, side: str, policy: Policy, profile: LoadProfile, load: int) -> Iterator[None]:
        """Run on the session's engine, unless the load has ended."""
        if self.fault:
            return
        yield from self._switch(policy, profile.slots)
        run = LoadRun(side, load, requests(profile, side, load, self._vocabulary))
        cost = self._cost()
        if side in POLICIES and (cost or not profile.arrivals.timed):
            yield from self._predict(run, profile.slots, cost)
        if not self._ended():
            yield from self._run(run)

    def _elsewhere(self, profile: LoadProfile, load: int) -> Iterator[None]:
        """Run on another engine while the session's own is idle."""
        if self._ended():
            return
        asked = requests(profile, profile.against, load, self._vocabulary)
        changes: dict[str, Value] = {"batching": "continuous", "max_batch": profile.slots}
        options = same_options(self._state.toggles.requested, self._state.toggles.effective, **changes)
        command = msgspec.structs.replace(self._session.current_load(), options=options)
        self._other = LoadEngine(profile.against, command, self._bridge, self._keep)
        self._task = asyncio.create_task(self._other.run(asked))
        self._task.add_done_callback(lambda _: self._bridge.refresh())
        try:
            while not self._task.done():
                yield
        finally:
            self._other = None
        error = None if self._task.cancelled() else self._task.exception()
        if isinstance(error, EngineFailed):
            self.fault = f"{profile.against}: {error.line}"
        elif error:
            raise error
        elif not self._ended() and (run := self._state.load.newest) and not run.whole:
            self._fail(run)

    def _switch(self, policy: Policy, slots: int) -> Iterator[None]:
        """Switch the policy and check the one that the engine reports. Its block map is asked for at the same time."""
        self._bridge.send(MapBlocks())
        self._bridge.send(SetOptions(changes={"batching": policy, "max_batch": slots}, measuring=True))
        while self._state.toggles.switching:
            yield
        effective = self._state.toggles.effective.get("batching", policy)
        if effective != policy and not self._ended():
            self.fault = (
                f"the engine batches {effective}: {self._state.toggles.reasons.get('batching', 'no reason given')}"
            )

    def _predict(self, run: LoadRun, slots: int, cost: StepSeconds | None) -> Iterator[None]:
        """Simulate the policies that have no prediction in seconds yet, and wait: it takes the engine's time."""
        load, blocks, options = self._state.load, self._state.load.blocks, self._state.toggles.requested
        timed = [policy for policy, simulated in load.predicted.items() if simulated.makespan_s is not None]
        load.predicted = {policy: load.predicted[policy] for policy in timed}
        due = [policy for policy in POLICIES if policy not in timed]
        for policy in due:
            self._bridge.send(
                Simulate(
                    policy=policy,
                    requests=run.lengths(),
                    slots=slots,
                    token_budget=options.token_budget,
                    block_size=blocks.size if blocks else options.block_size,
                    blocks=blocks.count if blocks else sum(each.prompt + each.output for each in run.lengths()),
                    prefix_cache=options.prefix_cache,
                    cost=cost,
                )
            )
        while len(load.predicted) < len(POLICIES) and not self._ended():
            yield

    def _run(self, run: LoadRun) -> Iterator[None]:
        self._bridge.send(ResetPrefixCache())
        self._bridge.send(Submit(requests=list(run.requests.values())))
        run = self._state.load.runs[run.side]
        while not run.done:
            yield
        if not run.whole and not self._ended():
            self._fail(run)

    def _fail(self, run: LoadRun) -> None:
        self.fault = run.fault or "a request ended before its length was reached"

    def _cost(self) -> StepSeconds | None:
        """The cost of a step, as the previous run measured it."""
        newest = self._state.load.newest
        return newest.fit.cost() if newest and newest.whole else None

    def _ended(self) -> bool:
        """Whether the load is over, successful or not; sets `fault` if it ended early."""
        if not self.fault:
            lost = "" if self._state.facts else "the model is gone"
            self.fault = self._state.load.failed or lost or ("stopped" if self._stopped else "")
        return bool(self.fault)

    @property
    def _vocabulary(self) -> int:
        return self._state.facts.vocabulary if self._state.facts else 0
