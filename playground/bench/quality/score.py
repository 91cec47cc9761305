"""Teacher-forces texts on one engine, under one option set or under two on the same ids."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from playground.bench.engine import WorkerEngine
from playground.bench.quality.tallies import Tallies
from playground.bench.quality.windows import Window, windows
from playground.bench.spread import spread
from playground.bench.texts import Text
from playground.protocol.commands import Score, Tokenize
from playground.protocol.events import Scored, Tokenized
from playground.protocol.options import EngineOptions

KEPT_BYTES = 2**30
KEPT_ITEM = 2  # bytes of a kept log-probability

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Job:
    """Texts and option sets. `base` None: only perplexity under `options`. `windows`: most windows to score, spread
    over all texts; None scores all."""

    texts: Sequence[Text]
    options: EngineOptions
    base: EngineOptions | None = None
    window: int = 512
    stride: int = 511
    windows: int | None = None


@dataclass(frozen=True)
class Part:
    """One window of one text."""

    tallies: Tallies
    window: Window
    ids: list[int]


async def score_texts(engine: WorkerEngine, job: Job, tallies: list[Tallies], progress: Progress) -> None:
    """Append the tallies of each text; after a stop they hold the windows done by then. `progress` counts passes over
    windows: one each, or three with a base."""
    answer = await engine.ask(Tokenize(key="texts", texts=[text.content for text in job.texts]), Tokenized)
    tallies += [Tallies(text, len(ids) - 1) for text, ids in zip(job.texts, answer.token_ids, strict=True)]
    parts = [
        Part(own, window, ids[window.start : window.stop])
        for own, ids in zip(tallies, answer.token_ids, strict=True)
        for window in windows(len(ids), job.window, job.stride)
    ]
    parts = spread(parts, job.windows)
    passes = iter(range(1, 1 + len(parts) * (3 if job.base else 1)))

    def passed() -> None:
        progress(next(passes), len(parts) * (3 if job.base else 1))

    for group in _groups(parts, job, engine.loaded.facts.vocabulary):
        tops = await _score_base(engine, job, group, passed)
        await engine.switch(job.options)
        for number, part in enumerate(group):
            scored = await _score(engine, part, against=f"w{number}" if tops else None)
            part.tallies.own.add(scored, part.window.counted, tops[number] if tops else ())
            passed()


async def _score_base(
    engine: WorkerEngine, job: Job, group: Sequence[Part], passed: Callable[[], None]
) -> list[list[int]]:
    """Score a group twice under the base: the difference between both passes is noise. Returns the likeliest ids of
    each window."""
    if job.base is None:
        return []
    await engine.switch(job.base)
    tops = []
    for number, part in enumerate(group):
        first = await _score(engine, part, keep_as=f"w{number}")
        passed()
        again = await _score(engine, part, against=f"w{number}")
        part.tallies.base.add(first, part.window.counted)
        part.tallies.again.add(again, part.window.counted, first.top)
        passed()
        tops.append(first.top)
    return tops


async def _score(engine: WorkerEngine, part: Part, keep_as: str | None = None, against: str | None = None) -> Scored:
    return await engine.ask(Score(key="window", token_ids=part.ids, keep_as=keep_as, against=against), Scored)


def _groups(parts: Sequence[Part], job: Job, vocabulary: int) -> Iterator[Sequence[Part]]:
    """Split windows into groups whose logits can be kept at the same time; one group if nothing is kept."""
    each = len(parts) if job.base is None else KEPT_BYTES // (KEPT_ITEM * job.window * max(1, vocabulary))
    each = max(1, each)
    for at in range(0, len(parts), each):
        yield parts[at : at + each]
