"""`playground bench`: the suites. Each suite's module has `add_arguments(parser)` and `main(args)`."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser, Namespace
from importlib import import_module

SUITES: dict[str, str] = {
    "code": "programming tasks, run in a sandbox: pass@k",
    "quality": "perplexity, KL and agreement against a base, recall by KV dtype",
    "load": "rising rates or users: waits, throughput, goodput, saturation",
    "speech": "recordings heard: WER, CER, SER, RTF; or spoken questions answered",
    "tokenizer": "tokens per word, bytes per token, by language and domain",
    "attention": "eager, math and flash over lengths, on a measured roofline",
}


def add_arguments(parser: ArgumentParser) -> None:
    """Add a sub-command with its arguments for every suite."""
    suites = parser.add_subparsers(dest="suite", required=True, metavar="SUITE")
    for name, summary in SUITES.items():
        suite = suites.add_parser(name, help=summary, description=summary, allow_abbrev=False)
        suite.add_argument("--debug", action="store_true", default=SUPPRESS, help="as before the suite")
        import_module(f"playground.headless.bench.{name}").add_arguments(suite)


def main(args: Namespace) -> int:
    """Run the suite; returns the exit code."""
    return int(import_module(f"playground.headless.bench.{args.suite}").main(args))
