"""One microphone: opened, read as 16 kHz mono, reopened after it was unplugged, and closed."""

from __future__ import annotations

import wave
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from playground.speech.faults import SpeechError
from playground.speech.microphone import Microphone, abandon, open_microphone
from playground.speech.ring_buffer import RingBuffer
from playground.speech.sound_thread import wait_for
from playground.speech.vad import RATE, Samples

RETRY_S = 1.0
CLOSE_S = 1.0


class Recorder:
    """A microphone, open until `close`. `read` returns the audio since the last call. Raises `SpeechError` if the
    device cannot be opened; if it vanishes later, `lost` is true until it is back. `wake` is called on the device's
    thread when audio has arrived."""

    def __init__(self, wake: Callable[[], None], name: str = "", keep: Path | None = None) -> None:
        self._wake, self._wanted = wake, name
        self._microphone: Microphone | None = None
        self._opening: Future[Microphone] | None = open_microphone(name, wake)
        self._resampler: Any = None
        self._retry = 0.0
        self._buffer = RingBuffer(0, RATE)
        self._overflows, self._lost_s, self._before_s = 0, 0.0, 0.0
        self.name, self.rate = "", RATE
        self.lost = False
        self.read_s = 0.0
        self.unkept = ""  # why audio is no longer written to the file
        self._file: _WavFile | None = None
        try:
            self._begin(wait_for(self._opening))
            self._file = _WavFile(keep) if keep else None
        except SpeechError:
            self.close()
            raise

    @property
    def overflows(self) -> int:
        """How often audio was lost, since the start."""
        return self._overflows + self._buffer.overflows

    @property
    def lost_s(self) -> float:
        """Seconds of lost audio."""
        return self._lost_s + self._buffer.lost / self.rate

    def read(self) -> Samples:
        """The new audio, at 16 kHz, one channel; none while the device is gone."""
        if self._microphone is None:
            self._look_again()
        elif self._microphone.gone:
            self._lose()
        return self._take()

    def _take(self) -> Samples:
        samples = self._buffer.read()
        if self._resampler is not None and len(samples):
            samples = self._resampler.resample_chunk(samples)
        self._keep(samples)
        self.read_s += len(samples) / RATE
        return samples

    def _keep(self, samples: Samples) -> None:
        """Write audio to the file. A full disk ends the file, not the transcription."""
        if self._file is None:
            return
        try:
            self._file.write(samples)
        except OSError as error:
            self.unkept = f"the audio is not kept any more: {error.strerror or error}"
            self._file.close()
            self._file = None

    def time_of(self, seconds: float) -> float:
        """When the audio at second `seconds` of all that was read arrived, on this process's clock."""
        return self._buffer.time_of(seconds - self._before_s)

    def close(self) -> Samples:
        """Close the microphone; returns the last audio."""
        if self._microphone:
            wait([self._microphone.close()], CLOSE_S)
        if self._opening:
            abandon(self._opening)
        self._microphone = self._opening = None
        rest = self._take()
        if self._file:
            self._file.close()
        return rest

    def _begin(self, microphone: Microphone) -> None:
        """Read from this one from now on."""
        self._overflows, self._lost_s, self._before_s = self.overflows, self.lost_s, self.read_s
        self._microphone, self._opening, self._buffer = microphone, None, microphone.buffer
        self.rate, self.name = microphone.rate, microphone.name
        self._resampler = None
        if self.rate != RATE:
            import soxr

            self._resampler = soxr.ResampleStream(self.rate, RATE, 1, dtype="float32")

    def _lose(self) -> None:
        assert self._microphone
        self._microphone.close()
        self.lost, self._retry, self._microphone = True, 0.0, None

    def _look_again(self) -> None:
        if self._opening is None:
            if perf_counter() >= self._retry:
                self._opening = open_microphone(self._wanted, self._wake)
            return
        if not self._opening.done():
            return
        try:
            self._begin(self._opening.result())
        except SpeechError:
            self._opening, self._retry = None, perf_counter() + RETRY_S
        else:
            self.lost = False


class _WavFile:
    """Audio as 16-bit mono; a complete file after every write."""

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = wave.open(str(path), "wb")  # noqa: SIM115 it stays open as long as the microphone
        except OSError as error:
            message = f"cannot keep the audio in {path}: {error.strerror or error}"
            raise SpeechError(message, "choose another place") from None
        self._file.setparams((1, 2, RATE, 0, "NONE", ""))

    def write(self, samples: Samples) -> None:
        self._file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())

    def close(self) -> None:
        with suppress(OSError):  # what fits on the disk is written
            self._file.close()
