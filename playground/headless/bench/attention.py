"""`playground bench attention`: eager, math and flash over lengths, on a roofline measured on this machine."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import Any

from playground.bench.attention.measure import Measured, measure_attention
from playground.bench.attention.report import attention_report
from playground.bench.engine import WorkerEngine
from playground.headless.arguments import add_target
from playground.headless.bench.output import add_output, print_trust, save_report
from playground.headless.bench.suite import ProgressLine, run_suite
from playground.headless.bench.table import print_table
from playground.headless.report import say
from playground.headless.target import read_target
from playground.headless.values import whole
from playground.protocol.commands import KERNELS
from playground.text.numbers import percent, seconds, significant
from playground.text.sizes import format_memory

LENGTHS = "128,256,512,1024,2048"
MOST = 1 << 20


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of `bench attention`."""
    add_target(parser)
    parser.add_argument(
        "--lengths",
        type=_lengths,
        default=LENGTHS,
        metavar="N,...",
        help=f"tokens of context, each up to {MOST} ({LENGTHS})",
    )
    parser.add_argument("--kernels", type=_kernels, default=list(KERNELS), metavar="K,...", help=", ".join(KERNELS))
    parser.add_argument("--repeats", type=whole(1, 1000), default=5, metavar="N", help="calls behind each median (5)")
    add_output(parser)


def main(args: Namespace) -> int:
    """Run the suite; returns the exit code."""
    target, measured, progress = read_target(args, args.preset), Measured(), ProgressLine()

    async def work(engine: WorkerEngine) -> None:
        progress.show("measuring the ceilings: a matrix product, a copy")
        await measure_attention(
            engine, args.lengths, args.kernels, args.repeats, measured,
            lambda done, total: progress.show(f"attention  {done} of {total} points"),
        )  # fmt: skip

    outcome = run_suite(args, target, work)
    progress.end()
    outcome.require(measured.points)
    report = attention_report(measured, args.repeats, outcome.fold, outcome.conditions)
    _print(measured, report.items)
    print_trust(report.trust)
    save_report(report, args)
    return outcome.end()


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
    return (
        item["phase"],
        item["kernel"] + ran,
        str(item["length"]),
        seconds(item["seconds"]),
        f"{seconds(item['fastest_s'])}..{seconds(item['slowest_s'])}",
        format_memory(item["peak_bytes"]),
        significant(item["flops_per_second"] / 1e9),
        significant(item["bytes_per_second"] / 1e9),
        percent(item["roofline_share"]),
    )


def _lengths(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and 1 <= int(part) <= MOST for part in parts):
        raise ArgumentTypeError(f"cannot be {text!r}; it takes numbers of tokens from 1 to {MOST} with commas between")
    return sorted({int(part) for part in parts})


def _kernels(text: str) -> list[str]:
    kernels = [part.strip() for part in text.split(",")]
    if unknown := next((kernel for kernel in kernels if kernel not in KERNELS), None):
        raise ArgumentTypeError(f"cannot be {unknown!r}; there are: {', '.join(KERNELS)}")
    return kernels
