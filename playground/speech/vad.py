"""Streaming voice activity detection (faster-whisper's Silero model with carried-over state) and segmentation into
utterances at pauses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from playground.speech.transcript import QUIET_DB

Samples = npt.NDArray[np.float32]

RATE = 16_000
FRAME = 512  # samples that the model looks at, 32 ms
CONTEXT = 64
FRAME_S = FRAME / RATE
STATE = (1, 1, 128)

SPEECH, STILL_SPEECH = 0.5, 0.35  # to begin with, and to go on with
PAUSE_S = 0.6
BEFORE_S, AFTER_S = 0.3, 0.25  # audio kept around speech: the edges of words are soft
LOUDNESS_BLOCK = RATE // 10
QUIET = 10 ** (QUIET_DB / 20)


def decibels(amplitude: float) -> float:
    """An amplitude in dB of full scale; -100 and below is -100."""
    return max(-100.0, 20 * float(np.log10(max(amplitude, 1e-9))))


def loudness_db(samples: Samples) -> float:
    """RMS of the loudest tenth of a second, in dB of full scale."""
    blocks = [samples[at : at + LOUDNESS_BLOCK] for at in range(0, len(samples), LOUDNESS_BLOCK)]
    return decibels(max((float(np.sqrt(np.mean(block * block))) for block in blocks), default=0.0))


class VoiceActivity:
    """Speech probabilities of consecutive frames. Not for threads to share: it remembers what it has heard."""

    def __init__(self) -> None:
        from faster_whisper.vad import get_vad_model

        self._session: Any = get_vad_model().session
        self._h: Samples
        self._c: Samples
        self._context: Samples
        self._forget()

    def probabilities(self, frames: Samples) -> npt.NDArray[np.float32]:
        """One for each row of `frames` (n, 512). A piece without a sound is none of the model's business."""
        if not len(frames) or float(np.abs(frames).max()) < QUIET:
            self._forget()
            return np.zeros(len(frames), np.float32)
        before = np.vstack([self._context[None], frames[:-1, -CONTEXT:]])
        heard = {"input": np.hstack([before, frames]), "h": self._h, "c": self._c}
        output, self._h, self._c = self._session.run(None, heard)
        self._context = frames[-1, -CONTEXT:].copy()
        return np.asarray(output, np.float32).reshape(-1)

    def _forget(self) -> None:
        self._h = self._c = np.zeros(STATE, np.float32)
        self._context = np.zeros(CONTEXT, np.float32)


@dataclass(frozen=True, eq=False)
class Utterance:
    """Speech between two pauses. `start_s` and `end_s` are where `samples` lie in the audio, `voice_end_s` where the
    voice itself ended; `speech_s`: how long the VAD heard speech."""

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
    """Consecutive utterances as one, the pauses between them left out."""
    return Utterance(
        samples=np.concatenate([utterance.samples for utterance in utterances]),
        start_s=utterances[0].start_s,
        end_s=utterances[-1].end_s,
        voice_end_s=utterances[-1].voice_end_s,
        speech_s=sum(utterance.speech_s for utterance in utterances),
    )


class UtteranceCutter:
    """Takes audio in pieces of any size and cuts it where nobody speaks for `PAUSE_S`, or, after `longest_s` of speech
    without such a pause, where the voice is weakest. Holds no more than that much audio."""

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
        """How much audio has been looked at."""
        return self._now * FRAME_S

    @property
    def silence_s(self) -> float:
        """Seconds since the voice of the open utterance was last heard."""
        return self.heard_s - self.voice_end_s

    @property
    def open_s(self) -> float | None:
        """How long the open utterance is; None: nothing is being said."""
        return None if self._first is None else (self._now - self._first) * FRAME_S

    @property
    def voice_end_s(self) -> float:
        """Where a voice was last heard."""
        return (self._voiced + 1) * FRAME_S

    def so_far(self) -> Utterance:
        """What is being said, as far as it has come."""
        assert self._first is not None
        return self._utterance(self._first, self._now)

    def feed(self, samples: Samples) -> list[Utterance]:
        """The utterances that ended in these samples."""
        self._rest = np.concatenate([self._rest, samples])
        count = len(self._rest) // FRAME
        frames, self._rest = self._rest[: count * FRAME], self._rest[count * FRAME :]
        self._audio = np.concatenate([self._audio, frames])
        probabilities = self._vad.probabilities(frames.reshape(-1, FRAME))
        ended = [utterance for p in probabilities.tolist() if (utterance := self._take(p))]
        self._let_go()
        return ended

    def flush(self) -> list[Utterance]:
        """The audio is over: what is open ends here."""
        ended = self.feed(np.zeros(-len(self._rest) % FRAME, np.float32))
        if self._first is None:
            return ended
        return [*ended, self._close(min(self._now, self._voiced + 1 + round(AFTER_S / FRAME_S)))]

    def _take(self, probability: float) -> Utterance | None:
        """One frame more."""
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

    def _let_go(self) -> None:
        """Drop the audio that no utterance can begin in any more."""
        keep = self._now - round(BEFORE_S / FRAME_S) if self._first is None else self._first
        if keep > self._base:
            self._audio = self._audio[(keep - self._base) * FRAME :].copy()
            self._base = keep
