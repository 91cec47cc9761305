"""The tokenizer suite on a screen: words, bytes and characters per token, text by text."""

from __future__ import annotations

from playground.bench.engine import WorkerEngine
from playground.bench.report import Conditions, Report
from playground.bench.suites.pace import Pace
from playground.bench.suites.suite import OnProgress, Row
from playground.bench.texts import usual_texts
from playground.bench.tokenizer.fertility import TextTokens, at_speed, count_tokens, measure_tps
from playground.bench.tokenizer.report import tokenizer_report


class RunningTokenizer:
    """`size` is the number of answers that measure the speed in tokens; it always counts all texts."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._counted: list[TextTokens] = []
        self._tps: float | None = None

    async def run(self, worker: WorkerEngine, on_progress: OnProgress) -> None:
        """See `RunningSuite`."""
        pace = Pace(on_progress)
        texts = usual_texts(worker.loaded.facts.path)
        self._counted = await count_tokens(worker, texts)
        done = 0

        def answered(tps: float) -> None:
            nonlocal done
            done += 1
            pace.step(done, self._size, f"{tps:.0f} tok/s")

        self._tps = await measure_tps(worker, texts[0], self._size, answered)
        for text in at_speed(self._counted, self._tps):
            pace.step(self._size, self._size, self._figure(), _row(text))

    def report(self, worker: WorkerEngine, conditions: Conditions) -> Report | None:
        """See `RunningSuite`."""
        return tokenizer_report(self._counted, self._tps, worker.fold, conditions) if self._counted else None

    def _figure(self) -> str:
        tokens = sum(text.tokens for text in self._counted)
        return f"{sum(text.bytes for text in self._counted) / max(1, tokens):.2f} bytes per token"


def _row(text: TextTokens) -> Row:
    detail = f"{text.fertility or 0.0:.2f} tokens/word  {text.bytes_per_token or 0.0:.2f} bytes/token"
    if text.characters_per_second:
        detail += f"  {text.characters_per_second:.0f} char/s"
    return Row(text.name, "counted", None, detail)
