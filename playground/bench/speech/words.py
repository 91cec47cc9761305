"""The suite over recordings: transcribes each in turn and compares the transcript with what is said."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import msgspec

from playground.bench.engine import EngineFailed
from playground.bench.speech.accuracy import NORMALIZERS, Errors, NormalizerName, Step, count_errors, difference
from playground.bench.speech.manifest import SpeechSample
from playground.bench.speech.speech_engine import SpeechEngine
from playground.protocol.percentiles import percentiles
from playground.protocol.speech import SpeechModelFacts, SpeechOptions


class Hearing(msgspec.Struct, frozen=True, kw_only=True):
    """One recording: what is said (None if not known) and the transcript, both normalized, and the transcript as
    written. `seconds` from opening the sound to the whole text; `rtf` = seconds / audio_seconds. `fault`: why there is
    no transcript."""

    id: str
    reference: str | None
    heard: str
    written: str = ""
    audio_seconds: float = 0.0
    seconds: float = 0.0
    rtf: float | None = None
    dropped: list[str] = []
    fault: str = ""

    @property
    def steps(self) -> list[tuple[Step, str]]:
        """The words that differ; all are the same without a reference."""
        return difference(self.heard if self.reference is None else self.reference, self.heard)


class SpeechTotals(msgspec.Struct, frozen=True, kw_only=True):
    """All recordings. Latencies are seconds from opening a sound to its whole text, without the load."""

    recordings: int
    failed: int
    normalizer: NormalizerName
    errors: Errors
    audio_seconds: float
    rtf: float | None
    latency_p50_s: float | None
    latency_p95_s: float | None


class SpeechSuite:
    """Transcribes recordings in turn. `hearings` grows meanwhile; `facts` are those of the recogniser, once it is
    loaded."""

    def __init__(self, recordings: Sequence[SpeechSample], options: SpeechOptions, normalizer: NormalizerName) -> None:
        self.recordings, self.options, self.normalizer = recordings, options, normalizer
        self.hearings: list[Hearing] = []
        self.facts: SpeechModelFacts | None = None

    async def run(self, engine: SpeechEngine) -> AsyncIterator[Hearing]:
        """Yield each result. A recording that cannot be read becomes a result with a fault; a recogniser that cannot be
        loaded, or dies, raises `EngineFailed`."""
        for recording in self.recordings:
            hearing = await self._hear(engine, recording)
            self.facts = engine.facts
            self.hearings.append(hearing)
            yield hearing

    @property
    def totals(self) -> SpeechTotals:
        """The totals so far."""
        return total(self.hearings, self.normalizer)

    async def _hear(self, engine: SpeechEngine, recording: SpeechSample) -> Hearing:
        normal = NORMALIZERS[self.normalizer]
        reference = None if recording.text is None else normal(recording.text)
        try:
            transcript = await engine.transcribe(recording.path, self.options)
        except EngineFailed as error:
            if engine.ended or (engine.facts is None and recording.path.exists()):
                raise
            return Hearing(id=recording.id, reference=reference, heard="", fault=error.message)
        return Hearing(
            id=recording.id,
            reference=reference,
            heard=normal(transcript.text),
            written=transcript.text,
            audio_seconds=transcript.audio_seconds,
            seconds=transcript.seconds,
            rtf=transcript.seconds / transcript.audio_seconds if transcript.audio_seconds else None,
            dropped=[f"{drop.reason}: {drop.segment.text}" for drop in transcript.dropped],
        )


def total(hearings: Sequence[Hearing], normalizer: NormalizerName) -> SpeechTotals:
    """The totals of results."""
    heard = [hearing for hearing in hearings if not hearing.fault]
    pairs = [(hearing.reference, hearing.heard) for hearing in heard if hearing.reference is not None]
    audio, work = sum(hearing.audio_seconds for hearing in heard), sum(hearing.seconds for hearing in heard)
    p50, p95 = percentiles([(hearing.seconds, 1) for hearing in heard], (0.5, 0.95))
    return SpeechTotals(
        recordings=len(hearings),
        failed=len(hearings) - len(heard),
        normalizer=normalizer,
        errors=count_errors([reference for reference, _ in pairs], [text for _, text in pairs]),
        audio_seconds=audio,
        rtf=work / audio if audio else None,
        latency_p50_s=p50,
        latency_p95_s=p95,
    )
