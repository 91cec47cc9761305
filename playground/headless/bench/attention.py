"""`playground bench attention`: eager, math and flash over lengths, on a roofline measured on this machine."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import Any

from playground.bench.attention.measure import KERNELS, Measured, measure_attention
from playground.bench.engine import Engine
from playground.bench.report import build_report, build_trust
from playground.headless.arguments import add_target
from playground.headless.bench.output import add_output, print_trust, save_report
from playground.headless.bench.suite import Progress, run_suite
from playground.headless.bench.table import print_table
from playground.headless.report import say
from playground.headless.target import read_target
from playground.protocol.events import AttentionPoint
from playground.telemetry.ledger import format_bytes
from playground.telemetry.roofline import Need, dot
from playground.tui.numbers import percent, seconds, significant

FORMULAS = ("Attention FLOPs", "Attention bytes", "Attention memory", "Roofline")
LENGTHS = "128,256,512,1024,2048"
MOST = 1 << 20


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of `bench attention`."""
    add_target(parser)
    parser.add_argument(
        "--lengths", type=_lengths, default=LENGTHS, metavar="N,...", help=f"tokens of context ({LENGTHS})"
    )
    parser.add_argument("--kernels", type=_kernels, default=list(KERNELS), metavar="K,...", help=", ".join(KERNELS))
    parser.add_argument("--repeats", type=_repeats, default=5, metavar="N", help="calls behind each median (5)")
    add_output(parser)


def main(args: Namespace) -> int:
    """Run the suite; the exit code."""
    target, measured, progress = read_target(args, args.preset), Measured(), Progress()

    async def work(engine: Engine) -> None:
        progress.show("measuring the ceilings: a matrix product, a copy")
        await measure_attention(
            engine, args.lengths, args.kernels, args.repeats, measured,
            lambda done, total: progress.show(f"attention  {done} of {total} points"),
        )  # fmt: skip

    outcome = run_suite(args, target, work)
    progress.end()
    outcome.require(measured.points)
    items = [_item(point, measured) for point in measured.points]
    _print(measured, items)
    trust = build_trust(
        outcome.fold, n=len(items) * args.repeats, formulas=FORMULAS, start="warm", notes=outcome.notes, **outcome.gpu
    )
    print_trust(trust)
    save_report(build_report("attention", outcome.fold, _totals(measured), items, trust), args)
    return outcome.end()


def _totals(measured: Measured) -> dict[str, Any]:
    return {"shape": measured.shape, "ceilings": measured.ceilings, "points": len(measured.points)}


def _item(point: AttentionPoint, measured: Measured) -> dict[str, Any]:
    """The point with what was achieved: useful work per second, and the share of the roof."""
    where = dot(Need(point.flops, point.bytes), point.seconds, measured.ceilings) if measured.ceilings else None
    return {
        "kernel": point.kernel,
        "phase": point.phase,
        "length": point.length,
        "ran": point.ran,
        "fault": point.fault,
        "seconds": point.seconds if where else None,
        "fastest_s": point.fastest_s if where else None,
        "slowest_s": point.slowest_s if where else None,
        "peak_bytes": point.peak_bytes,
        "flops": point.flops,
        "bytes": point.bytes,
        "flops_per_second": where.flops_per_second if where else None,
        "bytes_per_second": where.bytes_per_second if where else None,
        "intensity": where.intensity if where else None,
        "roofline_share": where.share if where else None,
    }


def _print(measured: Measured, items: list[dict[str, Any]]) -> None:
    shape, ceilings = measured.shape, measured.ceilings
    if shape and ceilings:
        threads = f", {ceilings.threads} threads" if ceilings.threads else ""
        print(
            f"{shape.heads} heads, {shape.kv_heads} of keys and values, dimension {shape.head_dim}; "
            f"roof {significant(ceilings.flops_per_second / 1e9)} GFLOP/s in {ceilings.dtype} and "
            f"{significant(ceilings.bytes_per_second / 1e9)} GB/s{threads}\n"
        )
    print_table(
        ("phase", "kernel", "length", "time", "fastest..slowest", "memory", "GFLOP/s", "GB/s", "of the roof"),
        [_row(item) for item in items if not item["fault"]],
        left=2,
    )
    for item in items:
        if item["fault"]:
            say(f"{item['phase']} {item['kernel']} at {item['length']}: {item['fault']}")


def _row(item: dict[str, Any]) -> tuple[str, ...]:
    ran = "" if item["ran"] == item["kernel"] else f" (ran {item['ran']})"
    peak = item["peak_bytes"]
    return (
        item["phase"],
        item["kernel"] + ran,
        str(item["length"]),
        seconds(item["seconds"]),
        f"{seconds(item['fastest_s'])}..{seconds(item['slowest_s'])}",
        "–" if peak is None else format_bytes(peak),
        significant(item["flops_per_second"] / 1e9),
        significant(item["bytes_per_second"] / 1e9),
        percent(item["roofline_share"]),
    )


def _lengths(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and 1 <= int(part) <= MOST for part in parts):
        raise ArgumentTypeError(f"cannot be {text!r}; it takes numbers of tokens from 1 with commas between")
    return sorted({int(part) for part in parts})


def _kernels(text: str) -> list[str]:
    kernels = [part.strip() for part in text.split(",")]
    if unknown := next((kernel for kernel in kernels if kernel not in KERNELS), None):
        raise ArgumentTypeError(f"cannot be {unknown!r}; there are: {', '.join(KERNELS)}")
    return kernels


def _repeats(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise ArgumentTypeError(f"cannot be {text!r}; it takes a number from 1 to 1000")
    return int(text)
