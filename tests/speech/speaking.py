"""Speech and other sounds to test with, made on the spot."""

from __future__ import annotations

import subprocess
import wave
from pathlib import Path

import numpy as np

from playground.models.make_tiny_whisper.espeak import sample_rate, synthesize
from playground.speech.vad import RATE, Samples

SPOKEN = "write a function that adds two numbers"
UNHEARD = (
    "zigzag quartz wizards vex jolly rhubarb puffins",
    "philosophers quarrel about metaphysical jurisprudence in edinburgh",
    "the quick brown fox jumps over the lazy dog while nobody is watching",
)


def speech(text: str = SPOKEN, voice: str = "en-us+f5", speed: int = 150) -> Samples:
    """A sentence at 16 kHz, a little quiet before and after it."""
    import soxr

    said = synthesize(text, voice, speed, 50, 0).samples.astype(np.float32) / 32768
    return padded(soxr.resample(said, sample_rate(), RATE), 0.3)


def known_and_unheard() -> Samples:
    """What the bundled recogniser knows, then what it does not, with pauses."""
    return np.concatenate([part for text in (SPOKEN, *UNHEARD) for part in (speech(text), silence(1))])


def padded(samples: Samples, seconds: float) -> Samples:
    """With silence on both sides."""
    return np.pad(samples, round(seconds * RATE)).astype(np.float32)


def write_wav(path: Path, samples: Samples, rate: int = RATE) -> Path:
    """16-bit mono."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def convert(source: Path, target: Path) -> Path:
    """The same sound in the format that the suffix names, through FFmpeg's libraries."""
    import av

    codec = {".flac": "flac", ".mp3": "mp3", ".opus": "libopus", ".ogg": "libvorbis"}[target.suffix]
    with av.open(str(source)) as read, av.open(str(target), "w") as written:
        stream = written.add_stream(codec, rate=48_000 if codec == "libopus" else RATE, layout="mono")
        resampler = av.AudioResampler(stream.format, "mono", stream.rate, stream.frame_size or None)
        for frame in (*read.decode(audio=0), None):
            for part in resampler.resample(frame):
                written.mux(stream.encode(part))
        written.mux(stream.encode(None))
    return target


def run(*command: str) -> None:
    """A command line tool that must succeed."""
    subprocess.run(command, check=True, capture_output=True)


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE), np.float32)


def white_noise(seconds: float) -> Samples:
    return np.random.default_rng(1).normal(0, 0.1, round(seconds * RATE)).astype(np.float32)


def hum(seconds: float) -> Samples:
    """Mains at 50 Hz with its overtones."""
    t = np.arange(round(seconds * RATE)) / RATE
    return sum(0.1 / n * np.sin(2 * np.pi * 50 * n * t) for n in (1, 2, 3, 5)).astype(np.float32)


def tones(seconds: float) -> Samples:
    """Like music: chords of decaying tones with overtones, two a second."""
    random = np.random.default_rng(2)
    note = np.arange(RATE // 2) / RATE
    bars = []
    for _ in range(round(seconds * 2)):
        pitches = 220 * 2 ** (random.choice([0, 3, 4, 5, 7, 9, 12], 3, replace=False) / 12)
        chord = sum(np.sin(2 * np.pi * p * n * note) / n for p in pitches for n in (1, 2, 3))
        bars.append(0.06 * chord * np.exp(-4 * note))
    return np.concatenate(bars).astype(np.float32)
