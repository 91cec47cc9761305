"""Cuts speech into utterances at its pauses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from playground.speech.vad import FRAME, FRAME_S, Samples, VoiceActivity, loudness_db

SPEECH, STILL_SPEECH = 0.5, 0.35  # probabilities that open and that continue an utterance
PAUSE_S = 0.6
BEFORE_S, AFTER_S = 0.3, 0.25  # audio kept around speech: the edges of words are soft


@dataclass(frozen=True, eq=False)
class Utterance:
    """Speech between two pauses. `samples` lie from `start_s` to `end_s` of the audio; the voice itself ended at
    `voice_end_s`; the VAD heard speech for `speech_s`."""

    samples: Samples = field(repr=False)
    start_s: float
    end_s: float
    voice_end_s: float
    speech_s: float

    @property
    def loudness_db(self) -> float:
        """RMS of its loudest tenth of a second, in dB of full scale."""
        return loudness_db(self.samples)


def packed(utterances: Sequence[Utterance]) -> Utterance:
    """Join consecutive utterances, leaving out the pauses between them."""
    return Utterance(
        samples=np.concatenate([utterance.samples for utterance in utterances]),
        start_s=utterances[0].start_s,
        end_s=utterances[-1].end_s,
        voice_end_s=utterances[-1].voice_end_s,
        speech_s=sum(utterance.speech_s for utterance in utterances),
    )


class UtteranceCutter:
    """Cuts audio, given in any pieces, where nobody speaks for `PAUSE_S`, or, after `longest_s` of speech without
    such a pause, where the voice is weakest. Holds no more than that much audio."""

    def __init__(self, longest_s: float) -> None:
        self._vad = VoiceActivity()
        self._longest, self._pause = round(longest_s / FRAME_S), round(PAUSE_S / FRAME_S)
        self._rest = np.zeros(0, np.float32)
        self._audio = np.zeros(0, np.float32)  # from frame `_base` on
        self._base = self._now = 0
        self._first: int | None = None
        self._voiced = -1  # the last frame with a voice
        self._probabilities: list[float] = []  # since `_first`

    @property
    def heard_s(self) -> float:
        """Seconds of audio processed."""
        return self._now * FRAME_S

    @property
    def silence_s(self) -> float:
        """Seconds since the voice of the open utterance was last heard."""
        return self.heard_s - self.voice_end_s

    @property
    def open_s(self) -> float | None:
        """Seconds of the open utterance; None if nothing is being said."""
        return None if self._first is None else (self._now - self._first) * FRAME_S

    @property
    def voice_end_s(self) -> float:
        """Second of the audio at which a voice was last heard."""
        return (self._voiced + 1) * FRAME_S

    def so_far(self) -> Utterance:
        """The open utterance up to now."""
        assert self._first is not None
        return self._utterance(self._first, self._now)

    def feed(self, samples: Samples) -> list[Utterance]:
        """Take samples; returns the utterances that ended in them."""
        self._rest = np.concatenate([self._rest, samples])
        count = len(self._rest) // FRAME
        frames, self._rest = self._rest[: count * FRAME], self._rest[count * FRAME :]
        self._audio = np.concatenate([self._audio, frames])
        probabilities = self._vad.probabilities(frames.reshape(-1, FRAME))
        ended = [utterance for p in probabilities.tolist() if (utterance := self._take(p))]
        self._drop_audio()
        return ended

    def flush(self) -> list[Utterance]:
        """End the audio and the open utterance; returns the utterances that ended."""
        ended = self.feed(np.zeros(-len(self._rest) % FRAME, np.float32))
        if self._first is None:
            return ended
        return [*ended, self._close(min(self._now, self._voiced + 1 + round(AFTER_S / FRAME_S)))]

    def _take(self, probability: float) -> Utterance | None:
        """Take the probability of the next frame."""
        frame, self._now = self._now, self._now + 1
        if self._first is None:
            if probability < SPEECH:
                return None
            self._first = max(self._base, frame - round(BEFORE_S / FRAME_S))
            self._probabilities = [0.0] * (frame - self._first)
        self._probabilities.append(probability)
        if probability >= STILL_SPEECH:
            self._voiced = frame
        if frame - self._voiced >= self._pause:
            return self._close(self._voiced + 1 + round(AFTER_S / FRAME_S))
        if self._now - self._first >= self._longest:
            return self._cut()
        return None

    def _close(self, end: int) -> Utterance:
        assert self._first is not None
        utterance = self._utterance(self._first, end)
        self._first, self._probabilities = None, []
        return utterance

    def _cut(self) -> Utterance:
        """Cut the open utterance at the weakest frame of its last half; what comes after it stays open."""
        assert self._first is not None
        half = len(self._probabilities) // 2
        at = half + int(np.argmin(self._probabilities[half:]))
        utterance = self._utterance(self._first, self._first + at)
        self._first, self._probabilities = self._first + at, self._probabilities[at:]
        return utterance

    def _utterance(self, first: int, end: int) -> Utterance:
        spoken = self._probabilities[: end - first]
        return Utterance(
            samples=self._audio[(first - self._base) * FRAME : (end - self._base) * FRAME].copy(),
            start_s=first * FRAME_S,
            end_s=end * FRAME_S,
            voice_end_s=min(end, self._voiced + 1) * FRAME_S,
            speech_s=sum(p >= SPEECH for p in spoken) * FRAME_S,
        )

    def _drop_audio(self) -> None:
        """Drop audio in which no utterance can begin any more."""
        keep = self._now - round(BEFORE_S / FRAME_S) if self._first is None else self._first
        if keep > self._base:
            self._audio = self._audio[(keep - self._base) * FRAME :].copy()
            self._base = keep
