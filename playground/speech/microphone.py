"""A microphone that is open, and how it is opened: on the sound thread."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from playground.speech import sound_thread
from playground.speech.inputs import cannot_open, find_input
from playground.speech.ring_buffer import RingBuffer
from playground.speech.vad import FRAME_S, RATE

HELD_S = 60.0  # audio that a stalled reader may leave unread
LOST_AFTER_S = 3.0  # a working device delivers silence too; sound servers may take two seconds to start


@dataclass(frozen=True)
class Microphone:
    """A running stream of PortAudio and the buffer that it fills, one channel at `rate`."""

    stream: Any
    buffer: RingBuffer
    name: str
    rate: int

    @property
    def gone(self) -> bool:
        """Whether the device was unplugged, or delivers nothing."""
        return not self.stream.active or self.buffer.quiet_s > LOST_AFTER_S

    def close(self) -> Future[None]:
        """Start to close; a device that is gone may never answer, so whether to wait is left to the caller."""
        return sound_thread.submit(self._abort)

    def _abort(self) -> None:
        with suppress(Exception):
            self.stream.abort()
            self.stream.close()


def open_microphone(name: str, wake: Callable[[], None]) -> Future[Microphone]:
    """Open the device called `name`, the default one if empty. `wake` is called on the device's thread when audio
    has arrived. The future may raise `SpeechError`."""
    return sound_thread.submit(lambda: _open(name, wake))


def abandon(opening: Future[Microphone]) -> None:
    """Close again what is still being opened, before PortAudio does anything else."""
    if not opening.cancel():
        opening.add_done_callback(lambda done: None if done.exception() else done.result().close())


def _open(name: str, wake: Callable[[], None]) -> Microphone:
    sd, index, device = find_input(name)
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
            callback=_callback(buffer, wake),
        )
        stream.start()
    except (sd.PortAudioError, ValueError) as error:
        raise cannot_open(device.name, error) from None
    return Microphone(stream, buffer, device.name, rate)


def _takes(sd: Any, index: int, rate: int) -> bool:
    try:
        sd.check_input_settings(device=index, channels=1, dtype="float32", samplerate=rate)
    except sd.PortAudioError:
        return False
    return True


def _callback(buffer: RingBuffer, wake: Callable[[], None]) -> Callable[..., None]:
    def callback(indata: Any, frames: int, time: Any, status: Any) -> None:
        buffer.write(indata[:, 0].copy(), bool(status.input_overflow))
        wake()

    return callback
