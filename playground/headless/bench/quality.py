"""`playground bench quality`: perplexity, KL and agreement against a base on the same ids, recall by KV dtype."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from playground.bench.engine import WorkerEngine
from playground.bench.quality.figures import Distance, Perplexity, TextQuality, text_quality, total_quality
from playground.bench.quality.measure import Measured, Needles, measure_quality
from playground.bench.quality.recall import Recall
from playground.bench.quality.report import quality_report
from playground.bench.quality.score import Job
from playground.headless.arguments import add_target
from playground.headless.bench.output import add_output, print_trust, save_report
from playground.headless.bench.suite import ProgressLine, run_suite
from playground.headless.bench.table import print_table
from playground.headless.bench.text_files import add_texts, read_texts
from playground.headless.errors import UsageError
from playground.headless.target import Target, read_target
from playground.headless.values import read_by, whole
from playground.protocol.option_text import parse_assignment
from playground.protocol.options import DEFAULTS, EngineOptions, Value, as_text, changed_names, with_changes
from playground.text.numbers import count, format_kl, percent, rate, significant

WINDOW, NEEDLES = 512, Needles()
TOKENS = whole(1)


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of `bench quality`."""
    add_target(parser)
    add_texts(parser)
    parser.add_argument(
        "--base",
        type=read_by(_toggles),
        metavar="TOGGLE=VALUE,...",
        help="compare with these toggles, the others as the preset or the defaults have them",
    )
    parser.add_argument("--window", type=TOKENS, default=WINDOW, metavar="N", help=f"tokens scored together ({WINDOW})")
    parser.add_argument("--stride", type=TOKENS, metavar="N", help="tokens from one window to the next (window - 1)")
    parser.add_argument(
        "--recall",
        type=_lengths,
        default=list(NEEDLES.lengths),
        metavar="N,...",
        help=f"needles at these lengths in tokens, by KV dtype ({','.join(map(str, NEEDLES.lengths))}); off: none",
    )
    count = NEEDLES.count
    parser.add_argument("--needles", type=TOKENS, default=count, metavar="N", help=f"needles a length ({count})")
    add_output(parser)


def main(args: Namespace) -> int:
    """Run the suite; returns the exit code."""
    target = read_target(args, args.preset)
    if args.window < 2 or (args.stride or 1) > args.window:
        raise UsageError("--window is at least 2 tokens, and --stride at most the window")
    job, measured, progress = _job(args, target), Measured(), ProgressLine()

    async def work(engine: WorkerEngine) -> None:
        await measure_quality(
            engine, job, Needles(args.recall, args.needles), measured,
            lambda what, done, total: progress.show(f"{what}  {done} of {total}"),
        )  # fmt: skip

    outcome = run_suite(args, target, work)
    progress.end()
    scored = [each for each in measured.tallies if each.own.nll]
    outcome.require(scored)
    _print(job, [text_quality(each) for each in scored], total_quality(scored), measured)
    report = quality_report(job, measured, outcome.fold, outcome.conditions)
    print_trust(report.trust)
    save_report(report, args)
    return outcome.end()


def _job(args: Namespace, target: Target) -> Job:
    base: EngineOptions | None = None
    if args.base is not None:
        preset = target.preset.options if target.preset else {}
        base = with_changes(DEFAULTS, preset | args.base)
        if not changed_names(base, target.options):
            raise UsageError(
                "--base and --set come to the same options", "for example --base kv_cache=model --set kv_cache=int4"
            )
    stride = min(args.stride or args.window, args.window - 1)  # windows share a token, or its prediction would be lost
    return Job(read_texts(args, target), target.options, base, args.window, stride)


def _print(job: Job, items: list[TextQuality], total: TextQuality, measured: Measured) -> None:
    if total.noise and job.base:
        names = changed_names(job.base, job.options)
        base, own = (", ".join(f"{name}={as_text(each)[name]}" for name in names) for each in (job.base, job.options))
        print(f"A/A noise  KL {format_kl(total.noise.kl_mean)}, agreement {percent(total.noise.agreement)}")
        print(f"base {base}   this {own}\n")
    print(f"windows of {job.window} tokens, {job.stride} apart; nats per token, bits per byte")
    rows = [_row(item) for item in (*items, *([total] if len(items) > 1 else []))]
    titles = ("text", "tokens", "nats", "perplexity", "bits/byte")
    print_table((*titles, "base nats", "KL", "max", "agree", "A/A") if total.distance else titles, rows)
    print(f"\n{rate(measured.tps, 'tok/s')}, the median of greedy answers one at a time")
    if measured.recalls:
        _print_recalls(measured.recalls)


def _print_recalls(recalls: list[Recall]) -> None:
    lengths = dict.fromkeys(each.length for each in recalls)
    print(f"\n{'recall':<8}" + "".join(f"{length:>12}" for length in lengths))
    for name in dict.fromkeys(each.kv_cache for each in recalls):
        found = [f"{each.right}/{each.needles}" if each.needles else "–" for each in recalls if each.kv_cache == name]
        print(f"{name:<8}" + "".join(f"{text:>12}" for text in found))


def _row(item: TextQuality) -> tuple[str, ...]:
    own: Perplexity = item.own
    cells = (
        item.name,
        count(own.tokens),
        significant(own.nats_per_token),
        significant(own.perplexity),
        significant(own.bits_per_byte),
    )
    if not item.distance or not item.base:
        return cells
    distance: Distance = item.distance
    noise = item.noise.kl_mean if item.noise else None
    return (
        *cells,
        significant(item.base.nats_per_token),
        format_kl(distance.kl_mean),
        format_kl(distance.kl_max),
        percent(distance.agreement),
        format_kl(noise),
    )


def _toggles(text: str) -> dict[str, Value]:
    return dict(parse_assignment(part) for part in text.split(","))


def _lengths(text: str) -> list[int]:
    return [] if text == "off" else sorted({TOKENS(part.strip()) for part in text.split(",")})
