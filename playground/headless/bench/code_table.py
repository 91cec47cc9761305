"""The code suite on a terminal: its progress in a line, and the table at the end."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from playground.bench.code.suite import Progress
from playground.bench.report import Report
from playground.text.numbers import UNKNOWN, percent, rate, seconds
from playground.text.plain import one_line

DETAIL = 60
STYLES = {"passed": "green", "failed": "red", "timed_out": "yellow", "skipped": "dim"}


def progress_line(progress: Progress) -> str:
    """How far the suite is, and the time left."""
    totals = progress.totals
    eta = f"{progress.eta_s:.0f} s" if progress.eta_s is not None else UNKNOWN
    done = f"answered {progress.generated}, judged {progress.judged} of {progress.samples}"
    return f"{done}   passed {totals.passed}   failed {totals.failed}   ETA {eta}"


def print_table(report: Report) -> None:
    """Print the tasks that did not pass, then strata and totals, on stdout."""
    console = Console(highlight=False, soft_wrap=True)
    rows = [item for item in report.items if item["status"] != "passed"]
    if rows:
        console.print(_tasks(rows))
    if report.totals["by_stratum"]:
        console.print(_strata(report.totals["by_stratum"]))
    console.print(Text("\n".join(_lines(report)), style="bold"))


def _tasks(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 1))
    for name in ("task", "verdict", "why"):
        table.add_column(name, no_wrap=name != "why")
    for item in rows:
        verdict = Text(item["status"].replace("_", " "), style=STYLES[item["status"]])
        table.add_row(Text(one_line(item["task_id"])), verdict, Text(one_line(item["detail"], DETAIL)))
    return table


def _strata(strata: dict[str, dict[str, int]]) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 1))
    for name in ("band", "tasks", "passed"):
        table.add_column(name, justify="left" if name == "band" else "right")
    for name, counted in strata.items():
        table.add_row(Text(one_line(name)), str(counted["tasks"]), str(counted["passed"]))
    return table


def _lines(report: Report) -> list[str]:
    totals = report.totals
    lines = [
        f"tasks {totals['tasks']}   passed {totals['passed']}   failed {totals['failed']}"
        f"   timed out {totals['timed_out']}   skipped {totals['skipped']}"
    ]
    for k, share in totals["pass_at_k"].items():
        low, high = totals["intervals"][k]
        interval = f"95 % from {percent(low)} to {percent(high)}"
        tasks = totals["tasks_at_k"][k]
        lines.append(
            f"pass@{k} {percent(share)}   {interval}   n {totals['n']}, k {k}, {tasks} task{'s' * (tasks != 1)}"
        )
    lines.append(
        f"{totals['prompting']} prompts   answers of {one_line(totals['solutions'])}   sandbox {totals['sandbox']}"
        f"   {seconds(totals['seconds'])}   {rate(totals['tokens_per_second'], 'tok/s')}"
    )
    return lines
