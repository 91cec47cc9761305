"""`playground run`: generate without a screen, as text or as protocol events."""

from __future__ import annotations

import asyncio
import os
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

from playground import paths
from playground.headless.arguments import add_sampling, add_target
from playground.headless.arrivals import delays, parse_arrivals
from playground.headless.history import kept_history
from playground.headless.printer import JsonPrinter, TextPrinter
from playground.headless.prompts import PromptLine, read_prompts
from playground.headless.report import report_end
from playground.headless.requests import build_requests
from playground.headless.switches import parse_switch
from playground.headless.target import Target, open_recorder, read_sampling, read_target
from playground.headless.worker_run import Job, WorkerRun
from playground.session.history.collector import Collector
from playground.session.recorder import Recorder
from playground.session.recording import Entry

Watch = Callable[[Entry], None]


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of `run`."""
    add_target(parser)
    prompt = parser.add_mutually_exclusive_group(required=True)
    prompt.add_argument("--prompt", metavar="TEXT", help="one request")
    prompt.add_argument("--prompts", type=Path, metavar="FILE.jsonl", help="one request a line")
    add_sampling(parser)
    parser.add_argument(
        "--arrivals", type=parse_arrivals, default="all", metavar="KIND", help="all (at once), poisson:RATE or recorded"
    )
    parser.add_argument(
        "--at",
        type=parse_switch,
        action="append",
        default=[],
        metavar="STEP:TOGGLE=VALUE",
        help="throw a switch before this engine step; repeatable",
    )
    parser.add_argument("--chat", action="store_true", help="a prompt is a user's message: use the chat template")
    parser.add_argument("--json", action="store_true", help="protocol events, and last a summary, one JSON line each")


def main(args: Namespace) -> int:
    """Run the command; the exit code."""
    target = read_target(args, args.preset)
    job = _job(args, target)
    printer = JsonPrinter() if args.json else TextPrinter(len(job.requests))
    log = paths.log_folder() / f"run-{os.getpid()}.log"
    recorder = open_recorder(args, target)
    with kept_history(args) as history:
        run = WorkerRun(job, log, _watch(printer.print, recorder, Collector(history.add, lambda _: "run")))
        try:
            asyncio.run(run.run())
        finally:
            if recorder:
                recorder.close()
        printer.end(run.fold)
    return report_end(run, job, log, recorder, args.debug)


def _job(args: Namespace, target: Target) -> Job:
    lines = read_prompts(args.prompts) if args.prompts else [PromptLine(prompt=args.prompt)]
    sampling = read_sampling(args, target.preset)
    delay = delays(args.arrivals, lines, sampling.seed or 0)
    return Job(target.engine, target.load, args.at, build_requests(lines, sampling, delay, args.chat))


def _watch(show: Watch, recorder: Recorder | None, collector: Collector) -> Watch:
    def watch(entry: Entry) -> None:
        if entry.command is not None:
            collector.add_command(entry.command)
            if recorder:
                recorder.command(entry.command)
        if entry.event is not None:
            collector.add_event(entry.event)
            if recorder:
                recorder.event(entry.event)
        show(entry)

    return watch
