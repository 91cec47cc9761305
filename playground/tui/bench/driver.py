"""Runs the ticked suites one after the other on a worker of their own, under the options of screen 1."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from time import perf_counter

import msgspec

from playground import paths
from playground.bench.engine import EngineFailed, WorkerEngine
from playground.bench.report import Conditions, Report
from playground.bench.report_run import report_run
from playground.bench.speech.speech_engine import SpeechEngine
from playground.bench.suites.suite import Row, SuiteProgress
from playground.bench.suites.table import RUNNING, SUITES
from playground.protocol.events import Event, ModelLoaded, ModelLoading
from playground.protocol.speech_events import SpeechModelLoaded
from playground.session.history.run import Run
from playground.telemetry.disturbance import Disturbance
from playground.telemetry.sampler import Sampler
from playground.tui.session import NotNow, Session


class BenchView(msgspec.Struct):
    """What the screen shows of a suite that runs or has run: how far, its rows, what it came to once it has ended."""

    suite: str = ""
    stage: str = ""
    progress: SuiteProgress | None = None
    rows: list[Row] = msgspec.field(default_factory=list)
    run: Run | None = None
    report: Report | None = None


class BenchDriver:
    """`changed` is called whenever there is something else to show. `fault` says why suites ended early, each its own.

    `views` has the newest run of each suite, `runs` all of them, the newest first.
    """

    def __init__(self, session: Session, keep: Callable[[Run], None] | None, changed: Callable[[], None]) -> None:
        self.views: dict[str, BenchView] = {}
        self.view, self.fault = BenchView(), ""
        self.runs: list[Run] = []
        self._session, self._state, self._keep, self._changed = session, session.state, keep, changed
        self._running: asyncio.Task[None] | None = None
        self._disturbance = Disturbance()
        self._stopped = False

    @property
    def newest(self) -> BenchView | None:
        """The suite that ended last; None where none has."""
        ended = [view for view in self.views.values() if view.run]
        return max(ended, key=lambda view: view.run.at if view.run else 0.0, default=None)

    def check(self, suites: Sequence[str]) -> None:
        """Raises `NotNow` where a benchmark would be disturbed or has nothing to run on."""
        if not suites:
            raise NotNow("no suite is ticked; Space ticks one")
        if self._state.unfinished:
            raise NotNow("requests run in the playground, and would disturb it; F2, then Esc stops them")
        if self._state.loading or not self._state.facts:
            raise NotNow("no model is loaded yet; F2, then ^O picks one")

    async def run(self, sizes: dict[str, int]) -> None:
        """Run suites by name, each with its size and on a worker that ends with it. What one cannot do does not keep
        the next from running."""
        faults = []
        self.fault, self._stopped, self._state.benching = "", False, True
        try:
            for name, size in sizes.items():
                if self._stopped:
                    break
                try:
                    await self._run_suite(name, size)
                except EngineFailed as error:
                    faults.append(f"{name}: {error.line}")
                self.view.stage = ""
        finally:
            self.fault = "   ".join(faults)
            self._state.benching, self._running, self.view.stage = False, None, ""
            self._changed()

    def stop(self) -> None:
        """End the suite that runs, and skip those to come."""
        self._stopped, self.view.stage = True, "stopping"
        if self._running:
            self._running.cancel()
        self._changed()

    async def _run_suite(self, name: str, size: int) -> None:
        self.view = self.views[name] = BenchView(suite=name, stage="starting its engine")
        self._changed()
        log = paths.log_file("bench")
        self._disturbance = Disturbance()
        suite, sampler = RUNNING[name](size), Sampler(self._disturbance.add)
        async with self._worker(name, log) as worker:
            sampler.start()
            began, notes = perf_counter(), list[str]()
            self.view.stage = "running"
            try:
                if not self._stopped:
                    self._running = asyncio.create_task(suite.run(worker, self._tell))
                    await self._running
            except asyncio.CancelledError:
                if not self._stopped:
                    raise
                notes.append("stopped")
            finally:
                sampler.stop()
                seen = self._disturbance
                report = suite.report(worker, Conditions(notes, seen.throttled, seen.other_processes))
                self._finish(report, f"{size} {SUITES[name].unit}", perf_counter() - began)
        with suppress(OSError):  # where it cannot be taken away it stays
            log.unlink()

    def _worker(self, name: str, log: Path) -> WorkerEngine | SpeechEngine:
        if SUITES[name].speech:
            return SpeechEngine(log, self._watch)
        if self._state.facts is None:
            raise EngineFailed("the model is gone")
        load = msgspec.structs.replace(self._session.asked, model=self._state.facts.path, options=self._state.requested)
        return WorkerEngine(self._state.capabilities.engine, load, log, lambda entry: self._watch(entry.event))

    def _finish(self, report: Report | None, title: str, seconds: float) -> None:
        if report is None:
            return
        run = report_run(report, time.time())
        run = msgspec.structs.replace(run, title=title, seconds=run.seconds or seconds)
        self.view.report, self.view.run = report, run
        self.runs.insert(0, run)
        if self._keep:
            self._keep(run)

    def _tell(self, progress: SuiteProgress) -> None:
        self.view.progress = progress
        if progress.row:
            self.view.rows.append(progress.row)
        self._changed()

    def _watch(self, event: Event | None) -> None:
        match event:
            case ModelLoading():
                self.view.stage = f"loading: {event.stage}"
                self._changed()
            case ModelLoaded():
                self._disturbance.follow(event.facts)
            case SpeechModelLoaded():
                self._disturbance.device = event.facts.device
