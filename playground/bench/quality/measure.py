"""All measurements of quality on one engine: scored texts, the speed next to them, needles."""

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
    """The lengths in tokens, and how many needles at each; no length means none. The default takes two slow cores half
    a minute with a model of some millions of parameters."""

    lengths: Sequence[int] = (128, 256, 512)
    count: int = 6


@dataclass
class Measured:
    """The results so far; empty where the run did not get to."""

    tallies: list[Tallies] = field(default_factory=list)
    recalls: list[Recall] = field(default_factory=list)
    tps: float | None = None


async def measure_quality(
    engine: WorkerEngine, job: Job, needles: Needles, measured: Measured, progress: Progress
) -> None:
    """Fill `measured`, and leave the toggles of the job set. `progress` gets what is measured, done and total."""
    await score_texts(engine, job, measured.tallies, lambda done, total: progress("windows", done, total))
    measured.tps = await measure_tps(engine, job.texts[0])
    kv_caches = possible_kv_caches(engine) if needles.lengths else []
    total = len(kv_caches) * len(needles.lengths)

    def on_recall(recall: Recall) -> None:
        measured.recalls.append(recall)
        progress("needles", len(measured.recalls), total)

    await measure_recall(engine, needles.lengths, needles.count, kv_caches, on_recall)
    await engine.switch(job.options)
