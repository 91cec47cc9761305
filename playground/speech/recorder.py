"""One microphone: opened, read as 16 kHz mono, reopened after it was unplugged, and closed."""

from __future__ import annotations

import threading
import wave
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from playground.speech.faults import SpeechError
from playground.speech.inputs import cannot_open, find_input
from playground.speech.ring_buffer import RingBuffer
from playground.speech.vad import FRAME_S, RATE, Samples

HELD_S = 60.0  # audio that a stalled reader may leave unread
LOST_AFTER_S = 3.0  # a working device delivers silence too; sound servers may take two seconds to start
RETRY_S = 1.0
CLOSE_S = 1.0


class Recorder:
    """A microphone, open until `close`. `read` returns the audio since the last call. Raises `SpeechError` if the
    device cannot be opened; if it vanishes later, `lost` is true until it is back. `wake` is called on the device's
    thread when audio has arrived."""

    def __init__(self, wake: Callable[[], None], name: str = "", keep: Path | None = None) -> None:
        self._wake, self._wanted = wake, name
        self._stream: Any = None
        self._resampler: Any = None
        self._retry = 0.0
        self._buffer = RingBuffer(0, RATE)
        self._overflows, self._lost_s, self._before_s = 0, 0.0, 0.0
        self.name, self.rate = "", RATE
        self.lost = False
        self.read_s = 0.0
        self.unkept = ""  # why audio is no longer written to the file
        self._file = _WavFile(keep) if keep else None
        try:
            self._open()
        except SpeechError:
            if self._file:
                self._file.close()
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
        if self._stream is None:
            self._look_again()
        elif not self._stream.active or self._buffer.quiet_s > LOST_AFTER_S:
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
        _close(self._stream)
        self._stream = None
        rest = self._take()
        if self._file:
            self._file.close()
        return rest

    def _open(self) -> None:
        sd, index, device = find_input(self._wanted)
        try:
            rate = RATE if _takes(sd, index, RATE) else device.rate
            buffer = RingBuffer(round(HELD_S * rate), rate)
            stream = sd.InputStream(
                device=index,
                samplerate=rate,
                channels=1,
                dtype="float32",
                blocksize=round(FRAME_S * rate),
                latency="low",
                callback=self._callback(buffer),
            )
            stream.start()
        except (sd.PortAudioError, ValueError) as error:
            raise cannot_open(device.name, error) from None
        self._overflows, self._lost_s, self._before_s = self.overflows, self.lost_s, self.read_s
        self._stream, self._buffer, self.rate, self.name = stream, buffer, rate, device.name
        self._resampler = None
        if rate != RATE:
            import soxr

            self._resampler = soxr.ResampleStream(rate, RATE, 1, dtype="float32")

    def _callback(self, buffer: RingBuffer) -> Callable[..., None]:
        def callback(indata: Any, frames: int, time: Any, status: Any) -> None:
            buffer.write(indata[:, 0].copy(), bool(status.input_overflow))
            self._wake()

        return callback

    def _lose(self) -> None:
        self.lost, self._retry = True, 0.0
        _close(self._stream)
        self._stream = None

    def _look_again(self) -> None:
        if perf_counter() < self._retry:
            return
        try:
            self._open()
        except SpeechError:
            self._retry = perf_counter() + RETRY_S
        else:
            self.lost = False


def _takes(sd: Any, index: int, rate: int) -> bool:
    try:
        sd.check_input_settings(device=index, channels=1, dtype="float32", samplerate=rate)
    except sd.PortAudioError:
        return False
    return True


def _close(stream: Any) -> None:
    """Close without waiting: a device that is gone may never answer."""
    if stream is not None:
        closing = threading.Thread(target=_abort, args=(stream,), name="closing", daemon=True)
        closing.start()
        closing.join(CLOSE_S)


def _abort(stream: Any) -> None:
    with suppress(Exception):
        stream.abort()
        stream.close()


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
