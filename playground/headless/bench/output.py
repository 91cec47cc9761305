"""Output of every suite: arguments for files, the line of trust flags, writing the report."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from pathlib import Path

from playground.bench.html.report_page import report_html
from playground.bench.report import Report, Trust, write_report
from playground.bench.report_run import report_run
from playground.headless.errors import CommandError
from playground.headless.history import kept_history
from playground.headless.report import say
from playground.text.numbers import UNKNOWN, percent
from playground.text.plain import one_line


def add_output(parser: ArgumentParser) -> None:
    """Add the arguments for files of the result."""
    parser.add_argument("--json", type=_writable, metavar="FILE", help="write the result as JSON")
    parser.add_argument("--html", type=_writable, metavar="FILE", help="write the result as one page with plots")


def save_report(report: Report, args: Namespace) -> None:
    """Add the run to the history and write the requested files, each whatever becomes of the others; raises
    `CommandError`."""
    with kept_history(args) as history:
        history.add(report_run(report, time.time()))
    faults = [
        f"cannot write {path}: {error.strerror or error}"
        for path, write in ((args.json, write_report), (args.html, _write_html))
        if path and (error := _fault(write, report, path))
    ]
    if faults:
        raise CommandError("; ".join(faults))


def _fault(write: Callable[[Report, Path], None], report: Report, path: Path) -> OSError | None:
    try:
        write(report, path)
    except OSError as error:
        return error
    return None


def _write_html(report: Report, path: Path) -> None:
    path.write_text(report_html(report), encoding="utf-8", errors="replace")


def _writable(text: str) -> Path:
    """A path that can be written to, as far as that shows before a long run."""
    path = Path(text)
    new = not path.exists()
    try:
        path.open("ab").close()
        if new:
            path.unlink()
    except OSError as error:
        raise ArgumentTypeError(f"cannot write {text}: {error.strerror or error}") from None
    return path


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
