"""The faults of a run, one line each on stderr, and the exit code."""

from __future__ import annotations

import sys
from pathlib import Path

from playground.client import drop_log
from playground.headless.switches import spell_switch
from playground.headless.worker_run import Job, WorkerRun
from playground.protocol.fault import LOOK, with_advice
from playground.session.recorder import Recorder
from playground.text.plain import one_line

LOG_TAIL = 4000


def report_end(run: WorkerRun, job: Job, log: Path, recorder: Recorder | None, debug: bool) -> int:
    """Print warnings and errors; returns 0 if every request was served. Removes the log if nothing went wrong."""
    _warn_of_switches(run, job)
    errors = _errors(run, log)
    if recorder and recorder.error:
        errors.append(recorder.error)
    for error in errors:
        say(error)
    if run.fold.failures or run.fold.exited:
        if debug:
            show_log(log)
    else:
        drop_log(log)
    return 1 if errors else 0


def tell_log(log: Path) -> str:
    """Where the log is, if one could be kept."""
    return f"its log is {log}" if log.exists() else f"{log.parent} could not be written, so there is no log of it"


def with_log(text: str, log: Path) -> str:
    """The text with the log's path where it speaks of the log."""
    return text.replace(LOOK, f"the details are in {log}") if log.exists() else text


def show_log(log: Path) -> None:
    """Print the end of the log on stderr."""
    if log.exists():
        print(log.read_text(errors="replace")[-LOG_TAIL:], file=sys.stderr)


def say(line: str) -> None:
    """Print one line on stderr."""
    print(f"playground: {line}", file=sys.stderr)


def _warn_of_switches(run: WorkerRun, job: Job) -> None:
    if not run.fold.ready:
        return
    for switch in job.switches:
        if (switch.at_step or 0) > run.fold.last_step:
            say(f"--at {spell_switch(switch)} never came: the last step was {run.fold.last_step}")


def _errors(run: WorkerRun, log: Path) -> list[str]:
    fold = run.fold
    errors = [one_line(with_log(with_advice(failed.message, failed.advice), log)) for failed in fold.failures]
    if run.interrupted:
        return [*errors, f"stopped by {run.interrupted}"]
    if fold.exited:
        return [*errors, one_line(f"the engine process ended with code {fold.exited.code}; {tell_log(log)}")]
    for request in fold.requests.values():
        if request.finished and request.finished.reason in ("error", "abort"):
            errors.append(one_line(f"{request.request_id}: {request.finished.message or 'aborted'}"))
    return errors
