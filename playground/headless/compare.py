"""`playground compare`: one prompt under two option sets, or on two models or engines, with a verdict in words."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from contextlib import AsyncExitStack

import msgspec

from playground import paths
from playground.bench.compare.comparison import ComparisonPlan, compare
from playground.bench.compare.history import comparison_runs
from playground.bench.compare.report import comparison_report
from playground.bench.compare.runs import Comparison
from playground.bench.compare.side_spec import (
    FORM,
    SideChanges,
    SideSpec,
    describe_difference,
    parse_side,
    verdict_name,
)
from playground.bench.compare.sides import open_sides
from playground.bench.compare.verdict import verdict
from playground.bench.engine import WorkerEngine
from playground.client import drop_log
from playground.headless.arguments import add_target
from playground.headless.bench.output import print_trust
from playground.headless.bench.suite import Outcome, ProgressLine, run_suite
from playground.headless.compare_text import print_comparison
from playground.headless.errors import UsageError
from playground.headless.history import kept_history
from playground.headless.target import (
    Target,
    on_its_engine,
    read_engine,
    read_target,
    require_checkpoint,
    require_local,
)
from playground.headless.values import read_by, whole

SIDE, POSITIVE = read_by(parse_side), whole(1)


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of `compare`."""
    add_target(parser)
    for side in ("a", "b"):
        parser.add_argument(f"--{side}", type=SIDE, required=True, metavar="TOGGLE=VALUE,...", help=FORM)
    parser.add_argument("--prompt", required=True, metavar="TEXT", help="what both continue")
    parser.add_argument(
        "--max-tokens", type=POSITIVE, default=128, metavar="N", help="tokens of an answer at most (128)"
    )
    parser.add_argument("--runs", type=POSITIVE, default=5, metavar="N", help="runs of each side (5)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON instead of a table")


def main(args: Namespace) -> int:
    """Run the comparison; returns the exit code."""
    target = read_target(args, args.preset, {side.engine for side in (args.a, args.b) if side.engine})
    a, b = (_side_spec(args, target, changes) for changes in (args.a, args.b))
    if a == b:
        raise UsageError("--a and --b come to the same", "for example --a kv_cache=model --b kv_cache=int4")
    for name, side in (("a", a), ("b", b)):
        require_checkpoint(side.engine, side.load.model, f"--{name}: ")
    if not args.prompt.strip():
        raise UsageError("--prompt is empty")
    plan, comparison, progress = ComparisonPlan(args.prompt, args.max_tokens, args.runs), Comparison(), ProgressLine()
    outcome = _run(args, a, b, plan, comparison, lambda: progress.show(comparison.phase))
    progress.end()
    outcome.require(comparison.of("A") and comparison.of("B"))
    report = comparison_report(comparison, (a, b), plan, outcome.fold, outcome.conditions)
    if args.json:
        sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
    else:
        print_comparison(
            comparison, verdict(verdict_name(a, b), comparison), describe_difference(a, b), describe_difference(b, a)
        )
        print_trust(report.trust)
    with kept_history(args) as history:
        for run in comparison_runs(comparison, (a, b), plan, outcome.conditions, time.time()):
            history.add(run)
    return outcome.end()


def _side_spec(args: Namespace, target: Target, changes: SideChanges) -> SideSpec:
    side = SideSpec(target.engine, target.load).with_changes(changes)
    engine = read_engine(side.engine)
    if engine != "openai":
        require_local(changes.model)
    return msgspec.structs.replace(side, engine=engine, load=on_its_engine(side.load, args, engine))


def _run(
    args: Namespace,
    a: SideSpec,
    b: SideSpec,
    plan: ComparisonPlan,
    comparison: Comparison,
    on_change: Callable[[], None],
) -> Outcome:
    log = paths.log_file("compare")

    async def work(engine: WorkerEngine) -> None:
        async with AsyncExitStack() as stack:
            one, other, host = await open_sides(a, b, (a, engine), stack, log)
            await compare(one, other, plan, comparison, on_change, host)

    try:
        return run_suite(args, Target(a.engine, a.load, None), work)
    finally:
        drop_log(log.with_suffix(".b.log"))
