"""`playground bench tokenizer`: what a token is worth in words, bytes and characters, by language and domain."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from playground.bench.engine import WorkerEngine
from playground.bench.tokenizer.fertility import TextTokens, at_speed, count_tokens, measure_tps
from playground.bench.tokenizer.report import tokenizer_report
from playground.headless.arguments import add_target
from playground.headless.bench.output import add_output, print_trust, save_report
from playground.headless.bench.suite import ProgressLine, run_suite
from playground.headless.bench.table import print_table
from playground.headless.bench.text_files import add_texts, read_texts
from playground.headless.target import read_target
from playground.text.numbers import count, significant

TITLES = ("text", "language", "domain", "tokens", "words", "tokens/word", "bytes/token", "char/token", "char/s")


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of `bench tokenizer`."""
    add_target(parser)
    add_texts(parser)
    parser.add_argument("--no-speed", action="store_true", help="count only: generate nothing")
    add_output(parser)


def main(args: Namespace) -> int:
    """Run the suite; returns the exit code."""
    target = read_target(args, args.preset)
    texts, items, speeds, progress = read_texts(args, target), list[TextTokens](), list[float | None](), ProgressLine()

    async def work(engine: WorkerEngine) -> None:
        items.extend(await count_tokens(engine, texts))
        if not args.no_speed:
            progress.show("generating, to learn the speed in tokens")
            speeds.append(await measure_tps(engine, texts[0]))

    outcome = run_suite(args, target, work)
    progress.end()
    outcome.require(items)
    tps = speeds[0] if speeds else None
    report = tokenizer_report(items, tps, outcome.fold, outcome.conditions)
    _print(at_speed(items, tps), tps)
    print_trust(report.trust)
    save_report(report, args)
    return outcome.end()


def _print(items: list[TextTokens], tps: float | None) -> None:
    rows = [
        (
            item.name,
            item.language,
            item.domain,
            count(item.tokens),
            count(item.words),
            significant(item.fertility),
            significant(item.bytes_per_token),
            significant(item.characters_per_token),
            significant(item.characters_per_second),
        )
        for item in items
    ]
    print_table(TITLES, rows, left=3)
    if tps is not None:
        print(f"\nchar/s: what {significant(tps)} tok/s, measured on this model's own answers, are worth in each text")
