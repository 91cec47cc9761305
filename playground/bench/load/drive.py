"""Runs a sweep on one engine: a warm-up that does not count, then level by level on a cold prefix cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from time import perf_counter

from playground.bench.engine import WorkerEngine
from playground.bench.load.arrivals import Arrivals
from playground.bench.load.figures import LevelFigures, level_figures
from playground.bench.load.level import Level
from playground.bench.load.requests import Shape, draw_requests
from playground.bench.load.slo import Slo
from playground.protocol.commands import GenerationRequest, Submit

NO_SLO = Slo()
WARM_UP = "warm"  # the ids of its requests begin with this
OnLevel = Callable[[LevelFigures], None]
Progress = Callable[[Level, int, int], None]


@dataclass(frozen=True)
class Sweep:
    """What to run. Each level has `requests` of its own, or two for each user if that is more, so that none finds
    another level's prompts in the prefix cache; `keep_prefix_cache` uses the same prompts at every level and does not
    clear the cache."""

    levels: Sequence[Level]
    shape: Shape
    requests: int = 32
    warm_up: int = 4
    slo: Slo = NO_SLO
    seed: int = 0
    keep_prefix_cache: bool = False

    def requests_at(self, level: Level) -> int:
        """So many that all users are busy at once, and each has asked again."""
        return max(self.requests, 2 * level.users)


async def run_sweep(engine: WorkerEngine, sweep: Sweep, on_level: OnLevel, progress: Progress) -> None:
    """Run all levels; `on_level` gets the figures of each when it is done."""
    vocabulary, shape = engine.loaded.facts.vocabulary, sweep.shape
    shape = shape._replace(ignore_eos=engine.loaded.capabilities.ignores_eos)
    if sweep.warm_up:
        warm = draw_requests(WARM_UP, sweep.warm_up, Arrivals(), shape, vocabulary, Random(f"warm {sweep.seed}"))
        await engine.generate(warm)
    lone: float | None = None
    for number, level in enumerate(sweep.levels):
        seed = str(sweep.seed) if sweep.keep_prefix_cache else f"{sweep.seed} {number}"
        requests = draw_requests(
            f"level{number}", sweep.requests_at(level), level.arrivals, shape, vocabulary, Random(seed)
        )
        if not sweep.keep_prefix_cache:
            engine.reset_prefix_cache()
        begun = perf_counter()
        await _run_level(engine, level, requests, progress)
        took = perf_counter() - begun
        generated = [engine.fold.requests[request.request_id] for request in requests]
        figures = level_figures(level, generated, took, requests[-1].delay_s, sweep.slo, lone)
        lone = figures.e2e.p50 if lone is None else lone
        on_level(figures)


async def _run_level(
    engine: WorkerEngine, level: Level, requests: Sequence[GenerationRequest], progress: Progress
) -> None:
    todo, submitted = list(requests), list[str]()

    def submit(count: int) -> None:
        some, todo[:] = todo[:count], todo[count:]
        submitted.extend(request.request_id for request in some)
        engine.send(Submit(requests=some))

    def ended() -> bool:
        """Check after each event; in a closed loop a user whose request ended submits the next one at once."""
        done = sum(engine.fold.requests[request_id].finished is not None for request_id in submitted)
        while todo and len(submitted) - done < level.users:
            submit(1)
        progress(level, done, len(requests))
        return done == len(requests)

    if not level.users:
        submit(len(requests))
    await engine.until(ended)
