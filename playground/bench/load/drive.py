"""Runs a sweep on one engine: warm-up apart, then level by level on a cold prefix cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from time import perf_counter

from playground.bench.engine import Engine
from playground.bench.load.arrivals import Arrivals
from playground.bench.load.figures import LevelFigures, level_figures
from playground.bench.load.level import Level
from playground.bench.load.requests import Shape, draw_requests
from playground.bench.load.slo import Slo
from playground.protocol.commands import GenerationRequest, ResetPrefixCache, Submit

NO_SLO = Slo()
WARM_UP = "warm"  # what the ids of its requests begin with
Told = Callable[[LevelFigures], None]
Progress = Callable[[Level, int, int], None]


@dataclass(frozen=True)
class Sweep:
    """What is to be run. Each level has `requests` of its own, or two a user where these are more, so that none finds
    another's prompts in the prefix cache; `keep_prefix_cache` leaves even the common beginning of its prompts there
    from level to level."""

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


async def run_sweep(engine: Engine, sweep: Sweep, told: Told, progress: Progress) -> None:
    """Tell the figures of each level as soon as it is done."""
    vocabulary = engine.loaded.facts.vocabulary
    if sweep.warm_up:
        warm = draw_requests(WARM_UP, sweep.warm_up, Arrivals(), sweep.shape, vocabulary, Random(f"warm {sweep.seed}"))
        await engine.generate(warm)
    lone: float | None = None
    for number, level in enumerate(sweep.levels):
        seed = str(sweep.seed) if sweep.keep_prefix_cache else f"{sweep.seed} {number}"
        requests = draw_requests(
            f"level{number}", sweep.requests_at(level), level.arrivals, sweep.shape, vocabulary, Random(seed)
        )
        if not sweep.keep_prefix_cache:
            engine.send(ResetPrefixCache())
        begun = perf_counter()
        await _run_level(engine, level, requests, progress)
        took = perf_counter() - begun
        generated = [engine.fold.requests[request.request_id] for request in requests]
        figures = level_figures(level, generated, took, requests[-1].delay_s, sweep.slo, lone)
        lone = figures.e2e.p50 if lone is None else lone
        told(figures)


async def _run_level(engine: Engine, level: Level, requests: Sequence[GenerationRequest], progress: Progress) -> None:
    todo, asked = list(requests), list[str]()

    def ask(count: int) -> None:
        some, todo[:] = todo[:count], todo[count:]
        asked.extend(request.request_id for request in some)
        engine.send(Submit(requests=some))

    def ended() -> bool:
        """Looks after each event; in a closed loop whoever has an answer asks again at once."""
        done = sum(engine.fold.requests[request_id].finished is not None for request_id in asked)
        while todo and len(asked) - done < level.users:
            ask(1)
        progress(level, done, len(requests))
        return done == len(requests)

    if not level.users:
        ask(len(requests))
    await engine.until(ended)
