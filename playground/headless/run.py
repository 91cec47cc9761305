"""`playground run`: generate without a screen, as text or as protocol events."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from playground import paths
from playground.headless.arguments import add_sampling, add_target
from playground.headless.arrivals import parse_arrivals
from playground.headless.compare_engines import run_against
from playground.headless.job import do_job, read_requests
from playground.headless.printer import JsonPrinter, TextPrinter
from playground.headless.report import report_end
from playground.headless.switches import parse_switch
from playground.headless.target import open_recorder, read_target
from playground.headless.worker_run import Job
from playground.protocol.options import ENGINES

AGAINST = [engine for engine in ENGINES if engine not in ("auto", "openai")]  # a server has a model of its own


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of `run`."""
    add_target(parser)
    prompt = parser.add_mutually_exclusive_group(required=True)
    prompt.add_argument("--prompt", metavar="TEXT", help="one request")
    prompt.add_argument("--prompts", type=Path, metavar="FILE.jsonl", help="one request a line")
    add_sampling(parser)
    parser.add_argument(
        "--arrivals",
        type=parse_arrivals,
        default="all",
        metavar="KIND",
        help="all (at once), poisson:RATE, burst:SIZE or recorded",
    )
    parser.add_argument(
        "--at",
        type=parse_switch,
        action="append",
        default=[],
        metavar="STEP:TOGGLE=VALUE",
        help="throw a switch before this engine step; repeatable",
    )
    parser.add_argument(
        "--against", choices=AGAINST, help="the same on this engine too, one after the other, and one table of both"
    )
    parser.add_argument("--chat", action="store_true", help="a prompt is a user's message: use the chat template")
    parser.add_argument("--json", action="store_true", help="protocol events, and last a summary, one JSON line each")


def main(args: Namespace) -> int:
    """Run the command; returns the exit code."""
    target = read_target(args, args.preset)
    requests = read_requests(args, target)
    if args.against:
        return run_against(args, target, requests)
    job = Job(target.engine, target.load, args.at, requests)
    printer = JsonPrinter() if args.json else TextPrinter(len(job.requests))
    log = paths.log_file("run")
    recorder = open_recorder(args, target)
    run = do_job(args, job, log, printer.print, recorder)
    printer.end(run.fold)
    return report_end(run, job, log, recorder, args.debug)
