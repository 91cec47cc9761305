"""The quality suite on a screen: texts scored against the defaults, needles by KV dtype, the speed beside them."""

from __future__ import annotations

import msgspec

from playground.bench.engine import Engine
from playground.bench.quality.figures import Tallies, TextQuality, text_quality, total_quality
from playground.bench.quality.measure import Measured, Needles, measure_quality
from playground.bench.quality.recall import Recall, possible_kv_caches
from playground.bench.quality.report import quality_report
from playground.bench.quality.score import Job
from playground.bench.report import Circumstances, Report
from playground.bench.suites.pace import Pace
from playground.bench.suites.suite import Row, Tell
from playground.bench.texts import bundled_texts, held_out_text
from playground.protocol.options import DEFAULTS, EngineOptions

NEEDLES = Needles(count=4)
# What changes answers; the base has these at their defaults, and all else as it is.
JUDGED = ("weights", "int8_threshold", "adapter", "attention", "kv_cache")


class RunningQuality:
    """`size` windows, spread over the bundled texts and what the model brings."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._measured = Measured()
        self._job: Job | None = None
        self._rows = 0

    async def run(self, worker: Engine, tell: Tell) -> None:
        """See `RunningSuite`."""
        held_out = held_out_text(worker.loaded.facts.path)
        texts = [*bundled_texts(), *([held_out] if held_out else [])]
        options = worker.fold.options
        self._job = Job(texts, options, base_of(options), windows=self._size)
        pace, passes = Pace(tell), 0
        needles = len(possible_kv_caches(worker)) * len(NEEDLES.lengths)

        def progress(what: str, done: int, total: int) -> None:
            nonlocal passes
            passes = total if what == "windows" else passes
            at = done if what == "windows" else passes + done
            for row in self._new_rows(pace, ended=what == "needles"):
                pace.step(at, passes + needles, self._figure(), row)
            pace.step(at, passes + needles, self._figure())

        await measure_quality(worker, self._job, NEEDLES, self._measured, progress)

    def report(self, worker: Engine, under: Circumstances) -> Report | None:
        """See `RunningSuite`."""
        if self._job is None or not any(each.own.nll for each in self._measured.tallies):
            return None
        return quality_report(self._job, self._measured, worker.fold, under)

    def _figure(self) -> str:
        scored = [each for each in self._measured.tallies if each.own.nll]
        return _said(total_quality(scored)) if scored else ""

    def _new_rows(self, pace: Pace, ended: bool) -> list[Row]:
        """Of texts that are done, since the next one has begun, and of needles."""
        tallies, recalls = self._measured.tallies, self._measured.recalls
        begun = [each for each in tallies if each.own.nll]
        rows = [_text_row(each) for each in (begun if ended else begun[:-1])] + [_recall_row(each) for each in recalls]
        new = [row._replace(seconds=pace.lap()) for row in rows[self._rows :]]
        self._rows = len(rows)
        return new


def base_of(options: EngineOptions) -> EngineOptions | None:
    """What answers are compared with; None where it is the same."""
    base = msgspec.structs.replace(options, **{name: getattr(DEFAULTS, name) for name in JUDGED})
    return None if base == options else base


def _text_row(tallies: Tallies) -> Row:
    return Row(tallies.text.name, "scored", None, _said(text_quality(tallies)))


def _recall_row(recall: Recall) -> Row:
    verdict = "found" if recall.right == recall.needles else "missed"
    said = f"{recall.right} of {recall.needles} in {recall.tokens:.0f} tokens"
    return Row(f"needles {recall.kv_cache}", verdict, None, said)


def _said(quality: TextQuality) -> str:
    own, distance = quality.own, quality.distance
    perplexity = own.perplexity or 0.0
    said = f"{own.bits_per_byte or 0.0:.3f} bits/byte  perplexity {perplexity:{'.0f' if perplexity >= 100 else '.3g'}}"
    if distance and distance.kl_mean is not None:
        said += f"  KL {distance.kl_mean:.3f}"
    return said
