"""`playground bench load`: requests at rising rates or from rising numbers of users, and what they waited for."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from playground.bench.engine import WorkerEngine
from playground.bench.load.drive import Sweep, run_sweep
from playground.bench.load.figures import LevelFigures, Spread, saturates
from playground.bench.load.lengths import parse_lengths
from playground.bench.load.level import FORM, Level, parse_levels
from playground.bench.load.report import load_report
from playground.bench.load.requests import Shape
from playground.bench.load.slo import FORM as SLO_FORM
from playground.bench.load.slo import Slo, parse_slo
from playground.headless.arguments import add_target
from playground.headless.bench.output import add_output, print_trust, save_report
from playground.headless.bench.suite import ProgressLine, run_suite
from playground.headless.bench.table import print_table
from playground.headless.target import read_target
from playground.headless.values import read_by, whole
from playground.text.numbers import UNKNOWN, percent, rate, seconds, significant

DEFAULT_LEVELS = "closed:1,2,4,8,16"


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of `bench load`."""
    add_target(parser)
    parser.add_argument(
        "--load",
        type=read_by(parse_levels),
        default=DEFAULT_LEVELS,
        metavar="LEVELS",
        help=f"{FORM} ({DEFAULT_LEVELS})",
    )
    parser.add_argument(
        "--lengths",
        type=read_by(parse_lengths),
        default="lognormal 16..128",
        metavar="LENGTHS",
        help="answers: 'lognormal LOW..HIGH', 'uniform LOW..HIGH' or 'fixed N' tokens (lognormal 16..128)",
    )
    for name, takes, default, text in (
        ("requests", whole(1), 32, "requests of each level, at least two a user"),
        ("prompt", whole(1), 64, "tokens of a prompt"),
        ("shared", whole(0, 100), 0, "per cent of the prompt that all prompts begin with"),
        ("warm-up", whole(0), 4, "requests before the first level, which do not count"),
        ("seed", whole(0), 0, "the same requests and arrivals again"),
    ):
        parser.add_argument(f"--{name}", type=takes, default=default, metavar="N", help=f"{text} ({default})")
    parser.add_argument("--slo", type=read_by(parse_slo), default=Slo(), metavar="LIMITS", help=SLO_FORM)
    parser.add_argument(
        "--keep-prefix-cache", action="store_true", help="the same prompts at each level, and the cache is not cleared"
    )
    add_output(parser)


def main(args: Namespace) -> int:
    """Run the suite; returns the exit code."""
    target = read_target(args, args.preset)
    shape = Shape(args.prompt, args.prompt * args.shared // 100, args.lengths)
    sweep = Sweep(args.load, shape, args.requests, args.warm_up, args.slo, args.seed, args.keep_prefix_cache)
    items, progress = list[LevelFigures](), ProgressLine()

    def show(level: Level, done: int, total: int) -> None:
        progress.show(f"{level}  {done} of {total} requests  level {len(items) + 1} of {len(sweep.levels)}")

    async def work(engine: WorkerEngine) -> None:
        progress.show("warming up")
        await run_sweep(engine, sweep, items.append, show)

    outcome = run_suite(args, target, work)
    progress.end()
    outcome.require(items)
    _print(items, args.slo)
    report = load_report(items, sweep, outcome.fold, outcome.conditions)
    print_trust(report.trust)
    save_report(report, args)
    return outcome.end() or int(not _served(items))


def _served(items: list[LevelFigures]) -> int:
    return sum(item.requests - item.failed for item in items)


def _print(items: list[LevelFigures], slo: Slo) -> None:
    waits = ("TTFT", "TPOT", "ITL", "E2E")
    print_table(
        ("load", "req/s", "offered", "TPS", "hit", *(f"{name} p50/p90/p99" for name in waits), "goodput"),
        [
            (
                item.load,
                significant(item.requests_per_second),
                significant(item.offered),
                significant(item.system_tps),
                percent(item.prefix_hit),
                *(_spread(each) for each in (item.ttft, item.tpot, item.itl, item.e2e)),
                f"{significant(item.goodput)} ({percent(item.slo_share)})" if slo else UNKNOWN,
            )
            for item in items
        ],
    )
    if failed := sum(item.failed for item in items):
        print(f"{failed} requests failed; they count in the window alone, and met no SLO")
    best = max((item.system_tps for item in items if item.system_tps), default=None)
    if not _served(items):
        print("\nnothing was served")
    elif len(items) > 1:
        print(f"\n{saturates(items) or 'does not saturate within this sweep'}; at most {rate(best, 'tok/s')} in all")


def _spread(spread: Spread) -> str:
    return " / ".join(seconds(value) for value in (spread.p50, spread.p90, spread.p99))
