"""Streaming voice activity detection: faster-whisper's Silero model with carried-over state."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from playground.speech.transcript import QUIET_DB

Samples = npt.NDArray[np.float32]

RATE = 16_000
FRAME = 512  # samples per probability, 32 ms
CONTEXT = 64
FRAME_S = FRAME / RATE
STATE = (1, 1, 128)
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
    """Speech probabilities of consecutive frames. Keeps state between calls, so that threads must not share it."""

    def __init__(self) -> None:
        from faster_whisper.vad import get_vad_model

        self._session: Any = get_vad_model().session
        self._h: Samples
        self._c: Samples
        self._context: Samples
        self._forget()

    def probabilities(self, frames: Samples) -> npt.NDArray[np.float32]:
        """One probability for each row of `frames` (n, 512). A piece without sound is not given to the model."""
        if not len(frames) or float(np.abs(frames).max()) < QUIET:
            self._forget()
            return np.zeros(len(frames), np.float32)
        before = np.vstack([self._context[None], frames[:-1, -CONTEXT:]])
        inputs = {"input": np.hstack([before, frames]), "h": self._h, "c": self._c}
        output, self._h, self._c = self._session.run(None, inputs)
        self._context = frames[-1, -CONTEXT:].copy()
        return np.asarray(output, np.float32).reshape(-1)

    def _forget(self) -> None:
        self._h = self._c = np.zeros(STATE, np.float32)
        self._context = np.zeros(CONTEXT, np.float32)
