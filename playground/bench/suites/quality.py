"""The quality suite on a screen: texts scored against the defaults, needles by KV dtype, and the speed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from playground.bench.engine import WorkerEngine
from playground.bench.quality.figures import TextQuality, text_quality, total_quality
from playground.bench.quality.measure import Measured, Needles, measure_quality
from playground.bench.quality.recall import Recall, possible_kv_caches
from playground.bench.quality.report import quality_report
from playground.bench.quality.score import Job
from playground.bench.quality.tallies import Tallies
from playground.bench.report import Conditions, Report
from playground.bench.suites.pace import Pace
from playground.bench.suites.suite import OnProgress, Row
from playground.bench.texts import OWN, usual_texts
from playground.protocol.options import DEFAULTS, EngineOptions
from playground.text.numbers import format_kl, significant

NEEDLES = Needles(count=4)
# Toggles that change answers; the base has them at their defaults, and all others unchanged.
JUDGED = ("weights", "int8_threshold", "adapter", "attention", "kv_cache")


class RunningQuality:
    """`size` is the number of windows, spread over the bundled texts and the model's own."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._measured = Measured()
        self._job: Job | None = None
        self._rows = self._scored = 0
        self._seconds: defaultdict[str, float] = defaultdict(float)

    async def run(self, worker: WorkerEngine, on_progress: OnProgress) -> None:
        """See `RunningSuite`."""
        texts = usual_texts(worker.loaded.facts.path)
        options = worker.fold.options
        self._job = Job(texts, options, base_of(options), windows=self._size)
        pace, passes = Pace(on_progress), 0
        needles = len(possible_kv_caches(worker)) * len(NEEDLES.lengths)

        def progress(what: str, done: int, total: int) -> None:
            nonlocal passes
            passes = total if what == "windows" else passes
            at = done if what == "windows" else passes + done
            for row in self._new_rows(pace, ended=what == "needles" or done == total):
                pace.step(at, passes + needles, self._figure(), row)
            pace.step(at, passes + needles, self._figure())

        await measure_quality(worker, self._job, NEEDLES, self._measured, progress)

    def report(self, worker: WorkerEngine, conditions: Conditions) -> Report | None:
        """See `RunningSuite`."""
        if self._job is None or not any(each.own.nll for each in self._measured.tallies):
            return None
        return quality_report(self._job, self._measured, worker.fold, conditions)

    def _figure(self) -> str:
        scored = [each for each in self._measured.tallies if each.own.nll]
        if not scored:
            return ""
        own, whole = [each for each in scored if each.text.name == OWN], total_quality(scored)
        if not own:
            return f"all texts {_summary(whole)}"
        return f"{OWN} {_summary(text_quality(own[0]))}  · all texts {whole.own.bits_per_byte or 0.0:.3f} bits/byte"

    def _new_rows(self, pace: Pace, ended: bool) -> list[Row]:
        """Rows of texts that are done (the next one has begun, or all have ended), and of needles."""
        begun = [each for each in self._measured.tallies if each.own.nll]
        self._time(pace.lap(), begun)
        done = begun if ended else begun[:-1]
        rows = [
            Row(each.text.name, "scored", self._seconds[each.text.name], _summary(text_quality(each))) for each in done
        ]
        rows += [_recall_row(each) for each in self._measured.recalls]
        new, self._rows = rows[self._rows :], len(rows)
        return new

    def _time(self, lap: float, begun: Sequence[Tallies]) -> None:
        """Add the time of a window to its text; the time of the base belongs to no text."""
        scored = sum(len(each.own.nll) for each in begun)
        if scored > self._scored:
            self._seconds[begun[-1].text.name] += lap
        self._scored = scored


def base_of(options: EngineOptions) -> EngineOptions | None:
    """The options that answers are compared with; None if they are the same."""
    base = msgspec.structs.replace(options, **{name: getattr(DEFAULTS, name) for name in JUDGED})
    return None if base == options else base


def _recall_row(recall: Recall) -> Row:
    if recall.right is None:
        return Row(f"needles {recall.kv_cache}", "failed", recall.seconds, recall.fault)
    verdict = "found" if recall.right == recall.needles else "missed"
    detail = f"{recall.right} of {recall.needles} in {recall.tokens:.0f} tokens"
    return Row(f"needles {recall.kv_cache}", verdict, recall.seconds, detail)


def _summary(quality: TextQuality) -> str:
    own, distance = quality.own, quality.distance
    line = f"{own.bits_per_byte or 0.0:.3f} bits/byte  perplexity {significant(own.perplexity)}"
    if distance and distance.kl_mean is not None:
        line += f"  KL {format_kl(distance.kl_mean)}"
    return line
