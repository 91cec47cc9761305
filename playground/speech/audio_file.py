"""Sound files of any format that FFmpeg reads, in pieces: two hours take no more memory than two seconds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from playground.speech.faults import SpeechError
from playground.speech.vad import RATE, Samples

PIECE_S = 10.0


class AudioFile:
    """A file: iterate for 16 kHz mono pieces. `duration_s` is what the file states, 0 if nothing; `damaged` counts
    packets that could not be read. Raises `SpeechError` for a file without sound."""

    def __init__(self, path: str) -> None:
        self._path = Path(path).expanduser()
        self.damaged = 0
        if not self._path.exists():
            raise SpeechError(f"{self._path} does not exist", "check the path")
        if not self._path.is_file():
            raise SpeechError(f"{self._path} is no file", "name a sound file")
        self._container = self._open()
        self._stream = self._container.streams.audio[0]
        stream, whole = self._stream, self._container.duration
        seconds = stream.duration * stream.time_base if stream.duration else (whole or 0) / 1_000_000
        self.duration_s = float(seconds)

    def __iter__(self) -> Iterator[Samples]:
        import av

        resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
        held: list[Samples] = []
        with self._container:
            for frame in self._frames():
                held += [np.asarray(each.to_ndarray(), np.float32).reshape(-1) for each in resampler.resample(frame)]
                if sum(map(len, held)) >= PIECE_S * RATE:
                    yield np.concatenate(held)
                    held = []
        if held:
            yield np.concatenate(held)

    def _frames(self) -> Iterator[Any]:
        """The frames, then None, at which the resampler returns its rest."""
        import av

        packets = self._container.demux(self._stream)
        while True:
            try:
                for packet in packets:
                    for frame in packet.decode():
                        frame.pts = None  # the resampler must ignore gaps and jumps in the timestamps
                        yield frame
                break
            except av.error.InvalidDataError:
                self.damaged += 1
            except av.error.FFmpegError as error:
                raise SpeechError(f"{self._path.name} cannot be read to its end: {error.strerror}") from None
        yield None

    def _open(self) -> Any:
        import av

        try:
            container = av.open(str(self._path), mode="r", metadata_errors="ignore")
        except PermissionError:
            raise SpeechError(f"{self._path} may not be read", "check its permissions") from None
        except (av.error.FFmpegError, OSError):
            raise SpeechError(
                f"{self._path.name} is no sound file that can be read", "WAV, FLAC, MP3, Opus do"
            ) from None
        if not container.streams.audio:
            container.close()
            raise SpeechError(f"{self._path.name} holds no sound", "name a file with an audio track")
        return container
