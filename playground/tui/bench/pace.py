"""How long suites took in earlier runs, to estimate how long they will take."""

from __future__ import annotations

from collections.abc import Iterable

from playground.bench.suites.table import SUITES
from playground.session.history.run import Run


def seconds_a_unit(name: str, runs: Iterable[Run], model: str) -> float | None:
    """Seconds per unit in the newest run of a suite that has its size, with this model if the suite needs one; None
    without such a run."""
    suite = SUITES[name]
    own = (run for run in runs if run.kind == f"bench {name}" and (suite.speech or run.model == model))
    return next((pace for run in own if (pace := _pace(run, suite.unit)) is not None), None)


def _pace(run: Run, suite_unit: str) -> float | None:
    """None if a run does not say how many units it had: only this app titles runs by their size."""
    size, _, unit = run.title.partition(" ")
    if run.seconds and unit == suite_unit and size.isdecimal():
        return run.seconds / max(1, int(size))
    return None
