"""`playground run --against ENGINE`: the same requests on two engines in turn, and one table of both."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence

import msgspec

from playground import paths
from playground.bench.load.two_engines import compared, same_answers, same_options
from playground.headless.bench.table import print_table
from playground.headless.errors import UsageError
from playground.headless.job import do_job
from playground.headless.load_line import LoadLine
from playground.headless.printer import JsonPrinter
from playground.headless.report import report_end, say
from playground.headless.summary import Summary, summarize
from playground.headless.target import Target, on_its_engine
from playground.headless.vllm import require_vllm
from playground.headless.worker_run import Job
from playground.protocol.commands import GenerationRequest
from playground.protocol.percentiles import SHARES, percentiles
from playground.protocol.wire import encode_line
from playground.session.fold import Fold
from playground.session.verified import verified
from playground.text.numbers import UNKNOWN, count, percent, rate, seconds
from playground.text.sizes import format_memory

TITLES = ("", "TTFT p50", "p90", "p99", "TPOT p50", "p99", "steps", "busy", "seconds", "TPS", "KV peak", "load")


class EngineSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One engine's side."""

    engine: str
    summary: Summary


class SideBySide(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="SideBySide"):
    """The last line of `--json`. `same_tokens`: requests with the same token ids on both; `speed_up`: seconds of the
    first engine over those of the second."""

    sides: list[EngineSummary]
    same_tokens: int
    speed_up: float | None


def run_against(args: Namespace, target: Target, requests: Sequence[GenerationRequest]) -> int:
    """Run both engines; returns the exit code. If the first fails, the second is not run."""
    _refuse(args, target)
    folds: dict[str, Fold] = {}
    for engine in (target.engine, args.against):
        side = _second_side(args, target, folds[target.engine]) if folds else target
        code, folds[engine] = _run(args, side, requests)
        if code:
            say(f"{engine} did not serve every request, so there is nothing to compare")
            return code
    found = _side_by_side(folds)
    if args.json:
        sys.stdout.write(encode_line(found).decode())
    else:
        _print(folds, found)
    return 0


def _refuse(args: Namespace, target: Target) -> None:
    if args.against == target.engine:
        raise UsageError(f"--against {args.against} is the engine itself", "name another, or another --engine")
    if target.engine == "openai":
        raise UsageError("--against runs one model on two engines here, and a server has its own")
    if args.at:
        raise UsageError("--at goes with one engine: steps are not the same on two")
    if args.record:
        raise UsageError("--record keeps one engine's run", "run them one by one, or record the Batching screen")
    if args.against == "vllm":
        require_vllm()


def _second_side(args: Namespace, target: Target, first: Fold) -> Target:
    options = same_options(target.options, first.effective)
    load = msgspec.structs.replace(target.load, options=options)
    return msgspec.structs.replace(target, engine=args.against, load=on_its_engine(load, args, args.against))


def _run(args: Namespace, target: Target, requests: Sequence[GenerationRequest]) -> tuple[int, Fold]:
    job = Job(target.engine, target.load, [], requests)
    log = paths.log_file(f"run-{target.engine}")
    run = do_job(args, job, log, JsonPrinter().print if args.json else LoadLine().watch)
    return report_end(run, job, log, None, args.debug), run.fold


def _side_by_side(folds: dict[str, Fold]) -> SideBySide:
    sides = [EngineSummary(engine=engine, summary=summarize(fold)) for engine, fold in folds.items()]
    first, second = (side.summary.totals.seconds for side in sides)
    answers = [[request.token_ids for request in fold.requests.values()] for fold in folds.values()]
    return SideBySide(
        sides=sides,
        same_tokens=same_answers(answers[0], answers[1]),
        speed_up=first / second if first and second else None,
    )


def _print(folds: dict[str, Fold], found: SideBySide) -> None:
    print_table(TITLES, [_row(side) for side in found.sides])
    for engine, fold in folds.items():
        for words in filter(None, (verified(fold.effective), ", ".join(fold.disturbed))):
            print(f"{engine}: {words}")
    dtypes = {engine: fold.effective.get("dtype", "") for engine, fold in folds.items()}
    print(f"\n{compared(found.speed_up, found.same_tokens, len(found.sides[0].summary.requests), dtypes)}")


def _row(side: EngineSummary) -> tuple[str, ...]:
    requests, totals = side.summary.requests, side.summary.totals
    ttft = _over([request.ttft_s for request in requests])
    middle, _, slowest = _over([request.tpot_s for request in requests])
    return (
        side.engine,
        *ttft,
        middle,
        slowest,
        count(totals.steps),
        percent(totals.occupancy),
        seconds(totals.seconds),
        rate(totals.tokens_per_second, "tok/s"),
        format_memory(totals.kv_bytes_peak) if totals.kv_bytes_peak else UNKNOWN,
        seconds(totals.load_seconds),
    )


def _over(values: Sequence[float | None]) -> list[str]:
    """p50, p90 and p99 over requests."""
    known = [(value, 1) for value in values if value is not None]
    return [seconds(value) for value in percentiles(known, SHARES)]
