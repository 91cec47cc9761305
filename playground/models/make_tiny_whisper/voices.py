"""Who says it: espeak-ng voices, their speeds and pitches, and the ones kept back for the evaluation."""

from __future__ import annotations

import random
import subprocess
from dataclasses import dataclass

import numpy as np

SAMPLING_RATE = 16_000
ESPEAK_RATE = 22_050
WAV_HEADER_BYTES = 44

ACCENTS = ("en-us", "en-us", "en-us", "en-gb", "en-gb", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-rp",
           "en-gb-x-gbcwmd", "en-029", "en-us-nyc")  # fmt: skip
TRAINING_VARIANTS = (
    "", "", "", "f1", "f2", "f3", "f4", "m1", "m2", "m3", "m5", "m6", "m7", "m8", "Alex", "Alicia", "Andrea", "Annie",
    "AnxiousAndy", "Denis", "Diogo", "Gene", "Gene2", "Henrique", "Hugo", "Jacky", "Lee", "Marco", "Mario", "Michael",
    "Mike", "Nguyen", "RicishayMax", "RicishayMax2", "adam", "announcer", "antonio", "aunty", "belinda", "benjamin",
    "boris", "caleb", "david", "ed", "edward", "edward2", "grandma", "grandpa", "gustave", "iven", "iven2", "iven3",
    "john", "kaukovalta", "klatt", "klatt2", "klatt3", "linda", "marcelo", "max", "michel", "miguel", "norbert",
    "pablo", "paul", "pedro", "quincy", "rob", "robert", "sandro", "shelby", "steph", "steph3", "travis", "zac",
)  # fmt: skip
HELD_OUT_VARIANTS = ("f5", "m4", "Andy", "anika", "steph2", "victor", "klatt4", "iven4")
SLOWEST, FASTEST = 110, 240  # words a minute
HELD_OUT_SPEEDS = (130, 165, 200)
SPEED_MARGIN = 3  # training stays this far from a held-out speed


@dataclass(frozen=True)
class Voice:
    """How espeak-ng speaks: its voice name, words a minute, pitch 0-99, pause between words in 10 ms."""

    name: str
    speed: int
    pitch: int
    word_gap: int = 0


def _name(accent: str, variant: str) -> str:
    return f"{accent}+{variant}" if variant else accent


def training_voice(random_source: random.Random) -> Voice:
    """A voice at a speed that the evaluation does not use."""
    speeds = [
        speed
        for speed in range(SLOWEST, FASTEST + 1)
        if all(abs(speed - held_out) > SPEED_MARGIN for held_out in HELD_OUT_SPEEDS)
    ]
    name = _name(random_source.choice(ACCENTS), random_source.choice(TRAINING_VARIANTS))
    return Voice(name, random_source.choice(speeds), random_source.randint(15, 85), random_source.choice((0, 0, 0, 1, 3)))


def held_out_voice(random_source: random.Random) -> Voice:
    """A variant and a speed that training never used."""
    name = _name(random_source.choice(ACCENTS), random_source.choice(HELD_OUT_VARIANTS))
    return Voice(name, random_source.choice(HELD_OUT_SPEEDS), random_source.randint(30, 70))


def speak(text: str, voice: Voice) -> np.ndarray:
    """float32 mono at 16 kHz, silence around the speech trimmed; OSError without espeak-ng, ValueError without sound."""
    command = ["espeak-ng", "-v", voice.name, "-s", str(voice.speed), "-p", str(voice.pitch), "-g", str(voice.word_gap)]
    wav = subprocess.run([*command, "--stdout", text], capture_output=True, check=True).stdout
    samples = np.frombuffer(wav[WAV_HEADER_BYTES:], dtype="<i2").astype(np.float32) / 32768
    loud = np.flatnonzero(np.abs(samples) > 0.003)
    if not len(loud):
        raise ValueError(f"espeak-ng made no sound of {text!r} with {voice.name}")
    return resample(samples[loud[0] : loud[-1] + 1], SAMPLING_RATE / ESPEAK_RATE)


def resample(samples: np.ndarray, factor: float) -> np.ndarray:
    """Band-limited resampling to `factor` times as many samples, through the spectrum."""
    length = round(len(samples) * factor)
    padded = 1 << max(len(samples) - 1, 1).bit_length()
    spectrum = np.fft.rfft(np.pad(samples, (0, padded - len(samples))))
    padded_out = round(padded * factor)
    kept = np.zeros(padded_out // 2 + 1, dtype=spectrum.dtype)
    count = min(len(kept), len(spectrum))
    kept[:count] = spectrum[:count]
    return (np.fft.irfft(kept, padded_out)[:length] * (padded_out / padded)).astype(np.float32)
