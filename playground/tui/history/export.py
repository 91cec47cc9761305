"""Writes runs to a file; its ending says in which format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from playground.bench.html.history_page import history_html
from playground.bench.html.report_page import report_html
from playground.bench.report import Report
from playground.session.history.export import as_csv, as_json, as_markdown
from playground.session.history.run import Run

Form = Callable[[Sequence[Run]], str]
FORMATS: dict[str, Form] = {".json": as_json, ".csv": as_csv, ".md": as_markdown, ".html": history_html}
ENDINGS = ", ".join(FORMATS)
HINT = f"{ENDINGS}: the ending says the format; a relative name goes into the folder of the start"


class ExportError(Exception):
    """The file cannot be written: one line."""


def export(path: Path, runs: Sequence[Run], report: Report | None = None) -> None:
    """Write a new file, a page of the report where there is one; raises `ExportError`. Blocks: not for the UI."""
    form = FORMATS.get(path.suffix.lower())
    if report and form is history_html:
        form = partial(_report_html, report)
    if form is None:
        raise ExportError(f"{path.name} ends in none of {ENDINGS}")
    try:
        with path.open("x", encoding="utf-8", newline="", errors="replace") as file:
            file.write(form(runs))
    except FileExistsError:
        raise ExportError(f"{path} is there already; give another name") from None
    except OSError as error:
        raise ExportError(f"{path}: {error.strerror or error}") from None


def _report_html(report: Report, runs: Sequence[Run]) -> str:
    return report_html(report)
