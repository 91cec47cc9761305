"""`playground check MODEL`: prints findings as they are made, or all of them as one JSON line."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

import msgspec

from playground import paths
from playground.bench.check.check import Check, CheckReport
from playground.bench.engine import WorkerEngine
from playground.headless.arguments import add_target
from playground.headless.bench.suite import run_suite
from playground.headless.report import with_log
from playground.headless.target import read_target
from playground.protocol.events import CheckFinding
from playground.protocol.wire import encode_line
from playground.text.numbers import seconds
from playground.text.plain import one_line

STYLES = {"pass": "green", "warn": "yellow", "fail": "red"}
EXIT_CODES = {"pass": 0, "warn": 0, "fail": 1, "unloadable": 2}


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of `check`."""
    add_target(parser)
    parser.add_argument("--json", action="store_true", help="one JSON line with all findings")


def main(args: Namespace) -> int:
    """Check one checkpoint; returns 0 if nothing is broken, 1 if something is, 2 if it cannot be loaded."""
    target = read_target(args, args.preset)
    check, log = Check(target.load), paths.log_file("bench")

    async def work(engine: WorkerEngine) -> None:
        async for finding in check.run(engine):
            if not args.json:
                _print(_with_log(finding, log))

    outcome = run_suite(args, target, work, load=False)
    report = check.report(outcome.fold)
    outcome.require(report.findings)
    if args.json:
        findings = [_with_log(finding, log) for finding in report.findings]
        sys.stdout.write(encode_line(msgspec.structs.replace(report, findings=findings)).decode())
    else:
        _print_verdict(report)
    return outcome.end() or EXIT_CODES[report.verdict]


def _with_log(finding: CheckFinding, log: Path) -> CheckFinding:
    return msgspec.structs.replace(finding, advice=with_log(finding.advice, log))


def _print(finding: CheckFinding) -> None:
    from rich.console import Console
    from rich.text import Text

    line = Text.assemble(
        (f"{finding.verdict:6}", STYLES[finding.verdict]), (f"{finding.name:20}", "bold"), one_line(finding.evidence)
    )
    if finding.advice:
        line.append(f"\n{'':26}{one_line(finding.advice)}", "cyan")
    Console(soft_wrap=True).print(line)


def _print_verdict(report: CheckReport) -> None:
    counts = {verdict: sum(finding.verdict == verdict for finding in report.findings) for verdict in STYLES}
    words = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    print(f"{one_line(report.model)}: {report.verdict}   {words}   {seconds(report.seconds)}")
