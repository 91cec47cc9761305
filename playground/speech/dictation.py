"""The streaming policy: what to transcribe when, while somebody speaks.

An open utterance is transcribed now and then (greedily, to show words) and whenever its voice falls silent (in full: if
nothing more is said, that text is final already). Final texts go first, and with two decodes at a time none of them
waits for a partial one.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from time import perf_counter

from playground.protocol.events import Event
from playground.protocol.speech import DroppedSegment, Segment, SpeechOptions, UtteranceTiming
from playground.protocol.speech_events import TranscriptFinished, TranscriptUpdated
from playground.speech.agreement import Agreement
from playground.speech.decoding import Decoded, Decoder
from playground.speech.transcriber import WORKERS, partial_options
from playground.speech.transcript import joined
from playground.speech.utterances import Utterance, UtteranceCutter
from playground.speech.vad import FRAME_S, Samples

HINT_S = FRAME_S  # silence that starts a full decode; a false alarm about every few seconds of speech
SURER_HINT_S = 3 * FRAME_S  # longer silence, required to use the last free decoder thread
STILL_S = 2 * FRAME_S  # shorter pauses still count as speaking
INTERVAL_S = 0.5
LEAST_S = 0.5  # of audio before the first partial decode
NEWS_S = 0.3  # new audio that a decode needs before its agreement with the previous one confirms words
MOST_LAG_S = 2.5  # older partial words are useless to the speaker
MOST_WAITING_S = 60.0


@dataclass(eq=False)
class Decode:
    """One decode; the voice had ended at `voice_end`. `full`: good enough to be the final text.
    `shown`: when its text was emitted. Times are of `perf_counter`."""

    utterance: Utterance
    agreement: Agreement
    future: Future[Decoded]
    full: bool
    voice_end: float
    submitted: float
    shown: float | None = None


@dataclass(eq=False)
class Ended:
    """An utterance that is over, and the decode of its final text once that was submitted."""

    utterance: Utterance
    agreement: Agreement
    decode: Decode | None = None


class Dictation:
    """One transcript from a microphone. `when` maps a second of the audio to the moment at which it arrived. A decode
    that fails raises from `step`."""

    def __init__(
        self,
        key: str,
        options: SpeechOptions,
        decoder: Decoder,
        emit: Callable[[Event], None],
        when: Callable[[float], float],
    ) -> None:
        self._key, self._options, self._decoder, self._emit, self._when = key, options, decoder, emit, when
        self._cutter = UtteranceCutter(decoder.transcriber.longest_s(options))
        self._agreement = Agreement()
        self._decodes: list[Decode] = []
        self._ended: list[Ended] = []
        self._full: Decode | None = None  # the newest full decode of the open utterance
        self._segments: list[Segment] = []
        self._dropped: list[DroppedSegment] = []
        self._timings: list[UtteranceTiming] = []
        self._language = ""
        self._language_probability: float | None = None
        self._last_partial, self._late, self._agreed_s = 0.0, 0, 0.0
        self._vad_s = self._decode_s = 0.0
        self._finals_only = "" if options.partials else "partial text is switched off"

    @property
    def speaking(self) -> bool:
        """Whether a voice is heard now."""
        return self._cutter.open_s is not None and self._cutter.silence_s < STILL_S

    @property
    def waiting_s(self) -> float:
        """Seconds of audio in utterances that are over and have no final text yet."""
        return sum(ended.utterance.end_s - ended.utterance.start_s for ended in self._ended)

    def hear(self, samples: Samples) -> None:
        """Take the next audio."""
        started = perf_counter()
        for utterance in self._cutter.feed(samples):
            self._end(utterance)
        self._vad_s += perf_counter() - started

    def stop(self) -> None:
        """End the audio: what is open ends here."""
        for utterance in self._cutter.flush():
            self._end(utterance)

    def step(self) -> None:
        """Emit what has been decoded, and submit what is due."""
        for decode in [decode for decode in self._decodes if decode.future.done()]:
            self._decodes.remove(decode)
            self._decode_s += decode.future.result().ended - decode.future.result().started
            if decode.agreement is self._agreement:  # else its utterance is over and its text comes too late
                self._show(decode)
        while self._ended and (last := self._ended[0].decode) and last.future.done():
            self._settle(self._ended.pop(0), last)
        self._give_up()
        self._start()

    def finish(self, seconds: float, load_s: float, message: str = "") -> TranscriptFinished:
        """Return the whole transcript, `seconds` after the end of the audio."""
        return TranscriptFinished(
            key=self._key,
            text=joined(self._segments),
            segments=self._segments,
            dropped=self._dropped,
            audio_seconds=round(self._cutter.heard_s, 3),
            language=self._language,
            language_probability=self._language_probability,
            vad_s=self._vad_s,
            decode_s=self._decode_s,
            load_s=load_s,
            seconds=seconds,
            timings=self._timings,
            reason="error" if message else "stop",
            message=message,
        )

    def _end(self, utterance: Utterance) -> None:
        """Close an utterance; if the last full decode heard all of its voice, that decode's text is final."""
        full, self._full = self._full, None
        if full and _voice(full.utterance) != _voice(utterance):
            full = None
        self._ended.append(Ended(utterance, self._agreement, full))
        self._agreement = Agreement()

    def _start(self) -> None:
        """Submit final texts first; then the open utterance: in full while it is silent, else in part now and then."""
        for ended in self._ended:
            if ended.decode is None and len(self._decodes) < WORKERS:
                ended.decode = self._submit(ended.utterance, ended.agreement, full=True)
        if self._cutter.open_s is None or any(ended.decode is None for ended in self._ended):
            return
        silence = self._cutter.silence_s
        if silence >= HINT_S:
            covered = self._full is not None and self._full.utterance.voice_end_s == self._cutter.voice_end_s
            full = any(decode.full for decode in self._decodes)
            if not covered and len(self._decodes) < WORKERS and (silence >= SURER_HINT_S or not full):
                self._full = self._submit(self._cutter.so_far(), self._agreement, full=True)
        elif self._partial_due:
            self._last_partial = perf_counter()
            self._submit(self._cutter.so_far(), self._agreement, full=False)

    @property
    def _partial_due(self) -> bool:
        due = perf_counter() - self._last_partial >= INTERVAL_S
        return due and not self._finals_only and not self._decodes and (self._cutter.open_s or 0) >= LEAST_S

    def _submit(self, utterance: Utterance, agreement: Agreement, full: bool) -> Decode:
        options = self._options if full else partial_options(self._options)
        submitted, voice_end = perf_counter(), self._when(utterance.voice_end_s)
        future = self._decoder.submit([utterance], options, "" if full else self._language)
        self._decodes.append(Decode(utterance, agreement, future, full, voice_end, submitted))
        return self._decodes[-1]

    def _show(self, decode: Decode) -> None:
        """Emit the text of the open utterance."""
        verdict = decode.future.result().verdicts[0]
        end_s = decode.utterance.end_s
        confirms = end_s - self._agreed_s >= NEWS_S
        self._agreed_s = end_s if confirms else self._agreed_s
        self._agreement.add(verdict.text if isinstance(verdict, Segment) else "", confirms)
        decode.shown = perf_counter()
        lag = decode.shown - self._when(decode.utterance.end_s)
        if not decode.full:
            self._watch(lag, decode.future.result())
        self._tell(lag)

    def _watch(self, lag: float, decoded: Decoded) -> None:
        """Switch partial texts off after two in a row that came too late."""
        self._late = self._late + 1 if lag > MOST_LAG_S else 0
        if self._late == 2:
            seconds = decoded.ended - decoded.started
            self._finals_only = f"a decode takes {seconds:.1f} s here, so words come at each pause and not before"

    def _settle(self, ended: Ended, decode: Decode) -> None:
        """Emit the final text of an utterance, or why it has none."""
        decoded, verdict = decode.future.result(), decode.future.result().verdicts[0]
        shown = decode.shown or perf_counter()
        timing = UtteranceTiming(
            end_s=ended.utterance.voice_end_s,
            vad_s=max(0.0, decode.submitted - decode.voice_end),
            wait_s=decoded.started - decode.submitted,
            decode_s=decoded.ended - decoded.started,
            final_s=shown - decode.voice_end,
        )
        if decoded.language:
            self._language, self._language_probability = decoded.language, decoded.language_probability
        self._timings.append(timing)
        self._keep(verdict, timing)

    def _keep(self, verdict: Segment | DroppedSegment, timing: UtteranceTiming | None = None) -> None:
        kept, dropped = ([verdict], []) if isinstance(verdict, Segment) else ([], [verdict])
        self._segments += kept
        self._dropped += dropped
        segment = verdict if isinstance(verdict, Segment) else verdict.segment
        self._tell(perf_counter() - self._when(segment.end), kept, dropped, timing)

    def _tell(
        self,
        lag: float,
        segments: list[Segment] | None = None,
        dropped: list[DroppedSegment] | None = None,
        timing: UtteranceTiming | None = None,
    ) -> None:
        update = TranscriptUpdated(
            key=self._key,
            confirmed=self._agreement.confirmed,
            partial=self._agreement.partial,
            segments=segments or [],
            dropped=dropped or [],
            timing=timing,
            position_s=self._cutter.heard_s,
            lag_s=lag,
            finals_only=self._finals_only,
        )
        self._emit(update)

    def _give_up(self) -> None:
        """Drop the oldest waiting audio, and report it: a model that is too slow must not fill the memory."""
        waiting = [ended for ended in self._ended if ended.decode is None]
        while sum(ended.utterance.end_s - ended.utterance.start_s for ended in waiting) > MOST_WAITING_S:
            oldest = waiting.pop(0)
            self._ended.remove(oldest)
            segment = Segment(start=oldest.utterance.start_s, end=oldest.utterance.end_s, text="")
            detail = f"more than {MOST_WAITING_S:.0f} s of speech waited for the model"
            self._keep(DroppedSegment(segment=segment, reason="too slow", detail=detail))


def _voice(utterance: Utterance) -> tuple[float, float]:
    return utterance.start_s, utterance.voice_end_s
