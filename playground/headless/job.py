"""A job of `playground run` on one engine: read from the command line, run, kept in the history."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

from playground.headless.arrivals import delays
from playground.headless.errors import UsageError
from playground.headless.history import kept_history
from playground.headless.prompts import PromptLine, read_prompts
from playground.headless.requests import build_requests
from playground.headless.target import Target, read_sampling
from playground.headless.worker_run import Job, WorkerRun
from playground.protocol.commands import GenerationRequest
from playground.protocol.events import ModelLoaded
from playground.protocol.machine import MachineSampled
from playground.session.history.collector import Collector
from playground.session.history.run import disturbances
from playground.session.recorder import Recorder
from playground.session.recording import Entry
from playground.telemetry.disturbance import Disturbance
from playground.telemetry.sampler import Sampler

Watch = Callable[[Entry], None]


def read_requests(args: Namespace, target: Target) -> list[GenerationRequest]:
    """Read the requests that the command line names; raises `UsageError`."""
    if args.prompt == "":
        raise UsageError("--prompt is empty")
    lines = read_prompts(args.prompts) if args.prompts else [PromptLine(prompt=args.prompt)]
    sampling = read_sampling(args, target.preset)
    return build_requests(lines, sampling, delays(args.arrivals, lines, sampling.seed or 0), args.chat)


def do_job(args: Namespace, job: Job, log: Path, show: Watch, recorder: Recorder | None = None) -> WorkerRun:
    """Run the job until it finishes, fails or is interrupted."""
    with kept_history(args) as history:
        disturbance, collector = Disturbance(), Collector(history.add, lambda _: "run")
        run = WorkerRun(job, log, _watch(show, recorder, collector, disturbance))

        def sampled(machine: MachineSampled) -> None:
            disturbance.add(machine)
            if recorder:
                recorder.add(machine)
            collector.add_disturbance(bool(disturbance.throttled), disturbance.other_processes or 0)

        sampler = Sampler(sampled)
        sampler.start()
        try:
            asyncio.run(run.run())
        finally:
            sampler.stop()
            if recorder:
                recorder.close()
    run.fold.disturbed = disturbances(disturbance.throttled, disturbance.other_processes)
    return run


def _watch(show: Watch, recorder: Recorder | None, collector: Collector, disturbance: Disturbance) -> Watch:
    def watch(entry: Entry) -> None:
        if isinstance(entry.event, ModelLoaded):
            disturbance.follow(entry.event.facts)
        collector.add(entry.message)
        if recorder:
            recorder.add(entry.message)
        show(entry)

    return watch
