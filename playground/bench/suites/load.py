"""The load suite on a screen: rising numbers of users, each of whom asks again once answered."""

from __future__ import annotations

from playground.bench.engine import WorkerEngine
from playground.bench.load.drive import Sweep, run_sweep
from playground.bench.load.figures import LevelFigures, saturates
from playground.bench.load.lengths import Lengths
from playground.bench.load.level import Level
from playground.bench.load.report import load_report
from playground.bench.load.requests import Shape
from playground.bench.report import Conditions, Report
from playground.bench.suites.pace import Pace
from playground.bench.suites.suite import OnProgress, Row

USERS = (1, 2, 4, 8)
SHAPE = Shape(64, 0, Lengths("lognormal", 16, 128))


class RunningLoad:
    """`size` is the number of requests at each level, or two for each user if that is more."""

    def __init__(self, size: int) -> None:
        self._sweep = Sweep([Level(users=users) for users in USERS], SHAPE, size)
        self._items: list[LevelFigures] = []

    async def run(self, worker: WorkerEngine, on_progress: OnProgress) -> None:
        """See `RunningSuite`."""
        pace, sizes = Pace(on_progress), [self._sweep.requests_at(level) for level in self._sweep.levels]

        def level_done(item: LevelFigures) -> None:
            self._items.append(item)
            pace.step(sum(sizes[: len(self._items)]), sum(sizes), _figure(self._items), _row(item))

        def request_done(level: Level, done: int, of: int) -> None:
            if done < of:
                pace.step(sum(sizes[: len(self._items)]) + done, sum(sizes), _figure(self._items))

        await run_sweep(worker, self._sweep, level_done, request_done)

    def report(self, worker: WorkerEngine, conditions: Conditions) -> Report | None:
        """See `RunningSuite`."""
        return load_report(self._items, self._sweep, worker.fold, conditions) if self._items else None


def _figure(items: list[LevelFigures]) -> str:
    best = max((item.system_tps for item in items if item.system_tps), default=None)
    if best is None:
        return ""
    return "  ".join(filter(None, (f"at most {best:.0f} tok/s", saturates(items))))


def _row(item: LevelFigures) -> Row:
    verdict = f"{item.failed} failed" if item.failed else "served"
    parts = [f"{item.system_tps:.0f} tok/s"] if item.system_tps else []
    for name, spread in (("TTFT", item.ttft), ("TPOT", item.tpot)):
        if spread.p50 is not None and spread.p99 is not None:
            parts.append(f"{name} {1000 * spread.p50:.3g}, p99 {1000 * spread.p99:.3g} ms")
    return Row(item.load, verdict, item.window_s, "  ".join(parts))
