"""Runs the ticked suites one after the other on a worker of their own, under the options of screen 1."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter

import msgspec

from playground import paths
from playground.bench.engine import Engine, EngineFailed
from playground.bench.report import Report
from playground.bench.report_run import report_run
from playground.bench.suites import RUNNING, Row, Told
from playground.protocol.events import ModelLoading
from playground.session.history.run import Run
from playground.session.recording import Entry
from playground.telemetry.disturbance import Disturbance
from playground.telemetry.sampler import Sampler
from playground.tui.session import NotNow, Session


@dataclass
class BenchView:
    """What the screen shows: the suite that runs or ran last, how far, its rows, its run once there is one."""

    suite: str = ""
    stage: str = ""
    told: Told | None = None
    rows: list[Row] = field(default_factory=list)
    run: Run | None = None
    seconds: float | None = None


class BenchDriver:
    """`changed` is called whenever there is something else to show. `fault` says why the last run ended early."""

    def __init__(self, session: Session, keep: Callable[[Run], None] | None, changed: Callable[[], None]) -> None:
        self.view, self.fault = BenchView(), ""
        self.report: Report | None = None
        self._session, self._state, self._keep, self._changed = session, session.state, keep, changed
        self._running: asyncio.Task[None] | None = None
        self._stopped = False

    def check(self, suites: Sequence[str]) -> None:
        """Raises `NotNow` where a benchmark would be disturbed or has nothing to run on."""
        if not suites:
            raise NotNow("no suite is ticked; Space ticks one")
        if running := len(self._state.unfinished):
            raise NotNow(f"{running} of screen 1's requests run, and would disturb it; F2, then Esc stops them")
        if self._state.loading or not self._state.facts:
            raise NotNow("no model is loaded yet; ^O on screen 1 picks one")

    async def run(self, sizes: dict[str, int]) -> None:
        """Run suites by name, each with its size. The engine that they run on ends with them."""
        self.fault, self._stopped, self._state.benching = "", False, True
        try:
            for name, size in sizes.items():
                if not self._stopped:
                    await self._run_suite(name, size)
        except EngineFailed as error:
            self.fault = f"{error.message}; {error.advice}" if error.advice else error.message
        finally:
            self._state.benching, self._running, self.view.stage = False, None, ""
            self._changed()

    def stop(self) -> None:
        """End the suite that runs, and skip those to come."""
        self._stopped, self.view.stage = True, "stopping"
        if self._running:
            self._running.cancel()
        self._changed()

    async def _run_suite(self, name: str, size: int) -> None:
        self.view = BenchView(suite=name, stage="starting its engine")
        self._changed()
        facts, disturbance = self._state.facts, Disturbance()
        if facts is None:
            raise EngineFailed("the model is gone")
        load = msgspec.structs.replace(self._session.asked, model=facts.path, options=self._state.requested)
        log = paths.log_folder() / f"bench-{os.getpid()}.log"
        suite, sampler = RUNNING[name](size), Sampler(disturbance.add)
        async with Engine(self._state.capabilities.engine, load, log, self._watch) as engine:
            disturbance.device = engine.loaded.facts.device
            sampler.start()
            began, notes = perf_counter(), list[str]()
            self.view.stage = "running"
            try:
                if not self._stopped:
                    self._running = asyncio.create_task(suite.run(engine, self._tell))
                    await self._running
            except asyncio.CancelledError:
                if not self._stopped:
                    raise
                notes.append("stopped")
            finally:
                sampler.stop()
                self.view.seconds = perf_counter() - began
                self._finish(suite.report(engine, notes, disturbance))
        log.unlink(missing_ok=True)

    def _finish(self, report: Report | None) -> None:
        if report is None:
            return
        self.report, self.view.run = report, report_run(report, time.time())
        if self._keep:
            self._keep(self.view.run)

    def _tell(self, told: Told) -> None:
        self.view.told = told
        if told.row:
            self.view.rows.append(told.row)
        self._changed()

    def _watch(self, entry: Entry) -> None:
        if isinstance(entry.event, ModelLoading):
            self.view.stage = f"loading: {entry.event.stage}"
            self._changed()
