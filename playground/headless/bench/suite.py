"""Runs any suite on an engine: starts the engine, lets the suite work, and keeps what was measured however it ends."""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playground import paths
from playground.bench.engine import EngineFailed, WorkerEngine
from playground.bench.report import Conditions
from playground.client import drop_log
from playground.headless.errors import CommandError
from playground.headless.interrupts import on_interrupt
from playground.headless.load_line import CLEAR, LoadLine
from playground.headless.report import say, show_log, tell_log, with_log
from playground.headless.target import Target, open_recorder
from playground.protocol.events import ModelLoaded
from playground.protocol.fault import LOOK
from playground.session.fold import Fold
from playground.session.recorder import Recorder
from playground.session.recording import Entry
from playground.telemetry.disturbance import Disturbance
from playground.telemetry.sampler import Sampler
from playground.text.plain import one_line


@dataclass(frozen=True)
class Outcome:
    """What went through the engine, and the faults that ended it, or its recording, early, if any."""

    fold: Fold
    fault: str = ""
    disturbance: Disturbance = field(default_factory=Disturbance)
    unrecorded: str = ""

    @property
    def conditions(self) -> Conditions:
        """For the trust flags of the report."""
        return Conditions.of(self.disturbance, [self.fault] if self.fault else [])

    def require(self, measured: object) -> None:
        """Raise `CommandError` if nothing was measured."""
        if not measured:
            raise CommandError(self.fault or "nothing was measured")

    def end(self) -> int:
        """Print the faults; returns the exit code."""
        faults = [fault for fault in (self.fault, self.unrecorded) if fault]
        for fault in faults:
            say(fault)
        return 1 if faults else 0


def run_suite(
    args: Namespace, target: Target, work: Callable[[WorkerEngine], Awaitable[None]], load: bool = True
) -> Outcome:
    """Run `work` on an engine, loaded unless `work` loads it. Ctrl+C, SIGTERM and faults of the engine end the run;
    what `work` has collected by then stays."""
    log = paths.log_file("bench")
    recorder, disturbance = open_recorder(args, target), Disturbance()
    record, sampler = record_into(recorder), Sampler(disturbance.add)

    def watch(entry: Entry) -> None:
        record(entry)
        if isinstance(entry.event, ModelLoaded):
            disturbance.follow(entry.event.facts)

    engine = WorkerEngine(target.engine, target.load if load else None, log, watch)

    async def whole() -> None:
        async with engine:
            await work(engine)

    sampler.start()
    try:
        fault = asyncio.run(interruption(whole()))
    except EngineFailed as error:
        fault = one_line(error.line)
    finally:
        sampler.stop()
        if recorder:
            recorder.close()
    unrecorded = one_line(recorder.error) if recorder else ""
    return Outcome(engine.fold, _settle_log(log, fault, engine.fold, args.debug), disturbance, unrecorded)


def _settle_log(log: Path, fault: str, fold: Fold, debug: bool) -> str:
    """Remove the log if nothing went wrong; returns the fault, which names the log if there is more in it, or
    prints its end under `--debug`."""
    told = any(failed.advice == LOOK for failed in fold.failures)
    if (not fault and not told) or fault.startswith("stopped"):
        drop_log(log)
        return fault
    if debug:
        show_log(log)
    return one_line(f"{fault}; {tell_log(log)}") if fold.exited else with_log(fault, log)


class ProgressLine:
    """The progress of a suite: one line on stderr that the next one replaces, if stderr is a terminal."""

    def __init__(self) -> None:
        self._terminal, self._shown = sys.stderr.isatty(), ""

    def show(self, text: str) -> None:
        """Draw the line, if it changed."""
        if self._terminal and text != self._shown:
            sys.stderr.write(f"{CLEAR}{text}")
            sys.stderr.flush()
            self._shown = text

    def end(self) -> None:
        """Remove the line."""
        if self._shown:
            sys.stderr.write(CLEAR)
            self._shown = ""


def record_into(recorder: Recorder | None) -> Callable[[Entry], None]:
    """A watcher of an engine: it shows the line of a load, and records if there is a recorder."""
    line = LoadLine()

    def watch(entry: Entry) -> None:
        line.show(entry.event)
        if recorder:
            recorder.add(entry.message)

    return watch


async def interruption(work: Coroutine[Any, Any, None]) -> str:
    """Await `work`; what ended it early, empty if nothing did."""
    task, reasons = asyncio.create_task(work), list[str]()

    def stop(name: str) -> None:
        reasons.append(f"stopped by {name}")
        task.cancel()

    on_interrupt(stop)
    try:
        await task
    except asyncio.CancelledError:
        return reasons[0] if reasons else "stopped"
    return ""
