"""Output of every suite: arguments for files, the line of trust flags, writing the report."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path

from playground.bench.html.report_page import report_html
from playground.bench.report import Report, Trust, write_report
from playground.bench.report_run import report_run
from playground.headless.history import kept_history
from playground.headless.report import say
from playground.text.numbers import UNKNOWN, percent
from playground.text.plain import one_line


def add_output(parser: ArgumentParser) -> None:
    """Add the arguments for files of the result."""
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result as JSON")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write the result as one page with plots")


def save_report(report: Report, args: Namespace) -> None:
    """Write the requested files, and the run of the history; raises `OSError`."""
    with kept_history(args) as history:
        history.add(report_run(report, time.time()))
    if args.json:
        write_report(report, args.json)
    if args.html:
        args.html.write_text(report_html(report), encoding="utf-8", errors="replace")


def print_trust(trust: Trust) -> None:
    """Print the flags in one line, and what weakens the result in lines of its own, on stderr."""
    print(trust_line(trust), file=sys.stderr)
    for name, reason in trust.differs.items():
        say(one_line(f"{name} is not what was requested: {reason}"))
    for note in trust.notes:
        say(one_line(note))


def trust_line(trust: Trust) -> str:
    """For example `n 40   cold   prefix hits 0 %   throttled no   others on the GPU 0`; – for what is unknown."""
    throttled = UNKNOWN if trust.throttled is None else ", ".join(trust.throttled) or "no"
    others = UNKNOWN if trust.other_processes is None else str(trust.other_processes)
    return (
        f"n {trust.n}   {trust.start}   prefix hits {percent(trust.prefix_hit)}   throttled {throttled}"
        f"   others on the GPU {others}"
    )
