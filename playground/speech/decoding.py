"""Decodes on threads, and times each decode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter

from playground.protocol.speech import DroppedSegment, Segment, SpeechOptions
from playground.speech.transcriber import WORKERS, Transcriber
from playground.speech.transcript import Heard, judge, judge_audio
from playground.speech.utterances import Utterance


@dataclass(frozen=True)
class Decoded:
    """Segments of utterances in order, kept or dropped; times in seconds of this process's clock."""

    verdicts: list[Segment | DroppedSegment]
    language: str
    language_probability: float | None
    started: float
    ended: float


class Decoder:
    """A model and its threads. Audio gates run before the model, text gates after it. `wake` is called after every
    decode."""

    def __init__(self, transcriber: Transcriber, wake: Callable[[], None]) -> None:
        self.transcriber, self._wake = transcriber, wake
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="decode")

    def submit(self, utterances: Sequence[Utterance], options: SpeechOptions, language: str = "") -> Future[Decoded]:
        """Queue a decode; without `language` the options give it, or it is detected."""
        future = self._pool.submit(self._decode, utterances, options, language)
        future.add_done_callback(lambda _: self._wake())
        return future

    def close(self) -> None:
        """Wait for running decodes, cancel the others, and unload the model."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self.transcriber.close()

    def _decode(self, utterances: Sequence[Utterance], options: SpeechOptions, language: str) -> Decoded:
        started, probability = perf_counter(), None
        early = [judge_audio(_heard(utterance, _silent(utterance))) for utterance in utterances]
        worth = [utterance for utterance, drop in zip(utterances, early, strict=True) if drop is None]
        if worth and not language:
            language, probability = self.transcriber.language(options, worth[0].samples)
        segments = iter(self.transcriber.decode(worth, options, language))
        verdicts: list[Segment | DroppedSegment] = []
        for utterance, drop in zip(utterances, early, strict=True):
            if drop:
                verdicts.append(drop)
            else:
                segment = next(segments)
                verdicts.append(judge(_heard(utterance, segment, language)) or segment)
        return Decoded(verdicts, language, probability, started, perf_counter())


def _silent(utterance: Utterance) -> Segment:
    return Segment(start=round(utterance.start_s, 3), end=round(utterance.end_s, 3), text="")


def _heard(utterance: Utterance, segment: Segment, language: str = "") -> Heard:
    return Heard(segment, utterance.loudness_db, utterance.speech_s, language)
