"""Everything that quality is measured by, on one engine: scored texts, the speed beside them, needles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from playground.bench.engine import WorkerEngine
from playground.bench.quality.recall import Recall, measure_recall, possible_kv_caches
from playground.bench.quality.score import Job, score_texts
from playground.bench.quality.tallies import Tallies
from playground.bench.tokenizer.fertility import measure_tps

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Needles:
    """At which lengths in tokens, and how many at each; no length means none. As many by default as two slow cores
    answer in half a minute with a model of some millions of parameters."""

    lengths: Sequence[int] = (128, 256, 512)
    count: int = 6


@dataclass
class Measured:
    """What has come so far; what was not reached is empty."""

    tallies: list[Tallies] = field(default_factory=list)
    recalls: list[Recall] = field(default_factory=list)
    tps: float | None = None


async def measure_quality(
    engine: WorkerEngine, job: Job, needles: Needles, measured: Measured, progress: Progress
) -> None:
    """Fill `measured`; the toggles are those of the job in the end. `progress`: what, done, and total of it."""
    await score_texts(engine, job, measured.tallies, lambda done, total: progress("windows", done, total))
    measured.tps = await measure_tps(engine, job.texts[0])
    kv_caches = possible_kv_caches(engine) if needles.lengths else []
    total = len(kv_caches) * len(needles.lengths)

    def on_recall(recall: Recall) -> None:
        measured.recalls.append(recall)
        progress("needles", len(measured.recalls), total)

    await measure_recall(engine, needles.lengths, needles.count, kv_caches, on_recall)
    await engine.switch(job.options)
