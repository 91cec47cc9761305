"""The speech suite on a screen: bundled recordings transcribed by the bundled recogniser."""

from __future__ import annotations

from playground import paths
from playground.bench.report import Conditions, Report
from playground.bench.speech.manifest import BUNDLED, read_manifest
from playground.bench.speech.report import speech_report
from playground.bench.speech.speech_engine import SpeechEngine
from playground.bench.speech.words import Hearing, SpeechSuite
from playground.bench.spread import spread
from playground.bench.suites.pace import Pace
from playground.bench.suites.suite import OnProgress, Row
from playground.protocol.speech import SpeechOptions


class RunningSpeech:
    """`size` is the number of recordings."""

    def __init__(self, size: int) -> None:
        options = SpeechOptions(model=str(paths.bundled_model(paths.BUNDLED_RECOGNISER)))
        self._suite = SpeechSuite(spread(read_manifest(BUNDLED), size), options, "basic")

    async def run(self, worker: SpeechEngine, on_progress: OnProgress) -> None:
        """See `RunningSuite`."""
        pace, total = Pace(on_progress), len(self._suite.recordings)
        async for hearing in self._suite.run(worker):
            pace.step(len(self._suite.hearings), total, self._figure(), _row(hearing))

    def report(self, worker: SpeechEngine, conditions: Conditions) -> Report | None:
        """See `RunningSuite`."""
        return speech_report(self._suite, conditions) if self._suite.hearings else None

    def _figure(self) -> str:
        totals = self._suite.totals
        wer = totals.errors.wer
        return f"WER {100 * wer:.1f} %  RTF {totals.rtf or 0.0:.2f}" if wer is not None else ""


def _row(hearing: Hearing) -> Row:
    if hearing.fault:
        return Row(hearing.id, "failed", None, hearing.fault)
    right = all(step == "same" for step, _ in hearing.steps)
    return Row(hearing.id, "right" if right else "wrong", hearing.seconds, hearing.heard)
