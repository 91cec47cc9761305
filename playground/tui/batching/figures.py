"""The figures of a load as text: what stands over each board, and how far the load has come."""

from __future__ import annotations

from typing import NamedTuple

from playground.bench.load.two_engines import compared
from playground.protocol.events import Simulated
from playground.text import numbers
from playground.tui.state.load_run import LoadRun, same_tokens
from playground.tui.state.load_runs import LoadRuns


class Figures(NamedTuple):
    """The measured figures of one run, as text."""

    makespan: str
    occupancy: str
    waste: str
    tps: str

    @classmethod
    def of(cls, run: LoadRun) -> Figures:
        """The figures of a run that has ended or goes on."""
        usage = run.usage
        tps = numbers.rate(run.tps, "tok/s")
        return cls(numbers.seconds(run.makespan), numbers.percent(usage.occupancy), numbers.percent(usage.waste), tps)


class Progress(NamedTuple):
    """`share` of the run's output tokens are there; `left_s` for this run, None while too little is known."""

    number: int
    side: str
    share: float
    left_s: float | None


def progress(runs: LoadRuns) -> Progress | None:
    """The progress of the run that goes on; None where none does."""
    run = runs.running
    if run is None:
        return None
    share = run.made / max(1, run.asked)
    return Progress(runs.sides.index(run.side) + 1, run.side, share, _left(run, share))


def _left(run: LoadRun, share: float) -> float | None:
    """Seconds left, by the predicted number of steps where that is known, by tokens where it is not."""
    if not run.makespan or not run.made:
        return None
    if run.predicted and run.predicted.steps:
        share = run.board.total / run.predicted.steps
    return max(0.0, run.makespan / share - run.makespan) if share else None


def described(runs: LoadRuns) -> str:
    """The load as its requests tell it, for a replay: nobody typed it here."""
    run = runs.newest
    if run is None:
        return ""
    lengths, outputs = run.lengths(), [request.sampling.max_tokens for request in run.requests.values()]
    last = max(each.delay_s for each in lengths)
    arrivals = f"over {numbers.seconds(last)}" if last else "all at once"
    return (
        f"{len(lengths)} requests, {arrivals}, lengths {min(outputs)}..{max(outputs)}, "
        f"prompts of {lengths[0].prompt} ({lengths[0].shared} shared)"
    )


def predicted(simulated: Simulated | None) -> str:
    """Occupancy / waste as the simulator has them."""
    if simulated is None:
        return ""
    return f"{numbers.percent(simulated.occupancy)} / {numbers.percent(simulated.waste)}"


def verdict(runs: LoadRuns) -> str:
    """One line about both runs; empty before both have ended."""
    if runs.speed_up is None:
        return ""
    first, second = runs.ordered()
    dtypes = {run.side: run.dtype if second.elsewhere else "" for run in (first, second)}
    same, requests = same_tokens(first, second), len(first.requests)
    said = compared(runs.speed_up, same, requests, dtypes)
    # How many rows a product has may move its last bits.
    tied = same < requests and not second.elsewhere and first.dtype in ("bfloat16", "float16")
    return f"{said}; {first.dtype} leaves near ties" if tied else said
