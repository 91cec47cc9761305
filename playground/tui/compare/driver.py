"""Runs a comparison: switches toggles on the app's own engine and restores them; other models get their own workers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from itertools import count

from playground import paths
from playground.bench.compare.comparison import ComparisonPlan, compare
from playground.bench.compare.history import comparison_runs
from playground.bench.compare.runs import Comparison
from playground.bench.compare.side_spec import SideSpec, describe_difference, verdict_name
from playground.bench.compare.sides import open_sides
from playground.bench.engine_client import EngineClient, EngineFailed
from playground.bench.report import Conditions
from playground.protocol.commands import Abort, SetOptions
from playground.protocol.comparison import ComparisonAdvanced
from playground.protocol.options import changed_names
from playground.session.history.run import Run
from playground.telemetry.disturbance import Disturbance
from playground.telemetry.sampler import Sampler
from playground.tui.compare.profile import CompareProfile
from playground.tui.prompt_mode import CHAT
from playground.tui.session import NotNow, Session

STARTING = "starting an engine beside this one"
NO_SERVER = "this session knows no server; playground compare --url … takes one"


class CompareDriver:
    """`fault` is one line saying why the last comparison ended early; what was measured by then stays. `keep` gets a
    run of each side."""

    def __init__(self, session: Session, keep: Callable[[Run], None] | None) -> None:
        self._session, self._bridge, self._state, self._keep = session, session.bridge, session.state, keep
        self._task: asyncio.Task[None] | None = None
        self._numbers = count(1)
        self.fault = ""

    def start(self, profile: CompareProfile) -> None:
        """Begin; raises `NotNow` if a comparison would disturb or could not run."""
        self._session.require_idle("a comparison")
        own = SideSpec(self._state.capabilities.engine, self._session.current_load())
        a, b = (own.with_changes(profile.changes(side)) for side in ("a", "b"))
        if any(side.engine == "openai" and not side.load.url for side in (a, b)):
            raise NotNow(NO_SERVER)
        if a == b:
            raise NotNow("A and B come to the same options; change one of them")
        for name, side in (("A", a), ("B", b)):
            if side.engine != "openai" and paths.is_missing(side.load.model):
                raise NotNow(f"{name}: there is no {side.load.model}; {paths.SPELLING}")
        self.fault, self._state.compare.busy = "", True
        self._task = asyncio.create_task(self._run(profile, own, a, b))

    def stop(self) -> None:
        """End it; finished runs stay."""
        if self._task:
            self._task.cancel()

    async def _run(self, profile: CompareProfile, own: SideSpec, a: SideSpec, b: SideSpec) -> None:
        number, comparison, client = next(self._numbers), Comparison(phase=STARTING), EngineClient(self._bridge.send)
        plan = ComparisonPlan(profile.text, profile.tokens, profile.runs, f"compare{number}", profile.mode == CHAT)
        publisher = _Publisher(self._bridge.add_event, comparison, number, a, b)
        facts = self._state.facts
        disturbance = Disturbance(facts.device, facts.device_uuid) if facts else Disturbance()
        sampler = Sampler(disturbance.add)
        log = paths.log_file("compare")
        sampler.start()
        self._bridge.listen(client.arrived)
        try:
            await client.until(lambda: client.fold.ready)
            publisher.publish()
            async with AsyncExitStack() as stack:
                one, other, host = await open_sides(a, b, (own, client), stack, log)
                await compare(one, other, plan, comparison, publisher.publish, host)
        except EngineFailed as error:
            self.fault = error.line
        except asyncio.CancelledError:
            self.fault = "stopped"
            self._bridge.send(Abort())
        finally:
            sampler.stop()
            self._bridge.unlisten(client.arrived)
            self._put_back(own, a, b)
            comparison.phase = ""
            publisher.publish(ended=True)
            conditions = Conditions.of(disturbance, [self.fault] if self.fault else [])
            if self._keep:
                for run in comparison_runs(comparison, (a, b), plan, conditions, time.time()):
                    self._keep(run)

    def _put_back(self, own: SideSpec, a: SideSpec, b: SideSpec) -> None:
        """Restore the toggles that a side changed on the app's own engine."""
        sides = [side for side in (a, b) if side.shares_worker(own)]
        names = dict.fromkeys(name for side in sides for name in changed_names(own.options, side.options))
        if names and self._state.facts and not self._state.model.exited:
            self._bridge.send(SetOptions(changes={name: getattr(own.options, name) for name in names}, measuring=True))


class _Publisher:
    """Sends what is new in a comparison to the bridge as events, to be folded, recorded and replayed."""

    def __init__(
        self,
        add_event: Callable[[ComparisonAdvanced], None],
        comparison: Comparison,
        number: int,
        a: SideSpec,
        b: SideSpec,
    ) -> None:
        self._add_event, self._found, self._number, self._sides = add_event, comparison, number, (a, b)
        self._sent = 0

    def publish(self, ended: bool = False) -> None:
        found, (a, b) = self._found, self._sides
        run = found.runs[self._sent] if self._sent < len(found.runs) else None
        self._sent = len(found.runs)
        event = ComparisonAdvanced(
            number=self._number,
            name=verdict_name(a, b),
            a=describe_difference(a, b),
            b=describe_difference(b, a),
            planned=found.planned,
            phase=found.phase,
            run=run,
            weights=dict(found.weights),
            effective=dict(found.effective),
            reasons=dict(found.reasons),
            divergence=found.divergence if ended else None,
            ended=ended,
        )
        self._add_event(event)
