"""How long suites took before, by which it is told how long they will take."""

from __future__ import annotations

from collections.abc import Iterable

from playground.bench.suites.table import SUITES
from playground.session.history.run import Run


def seconds_a_unit(name: str, runs: Iterable[Run], model: str) -> float | None:
    """Seconds per unit of a suite's newest run that tells, with this model where the suite needs one; None where no run
    does."""
    suite = SUITES[name]
    own = (run for run in runs if run.kind == f"bench {name}" and (suite.speech or run.model == model))
    return next((pace for run in own if (pace := _pace(run, suite.unit)) is not None), None)


def _pace(run: Run, suite_unit: str) -> float | None:
    """None where a run does not say how many units it had: only screens title runs by their size."""
    size, _, unit = run.title.partition(" ")
    if run.seconds and unit == suite_unit and size.isdecimal():
        return run.seconds / max(1, int(size))
    return None
