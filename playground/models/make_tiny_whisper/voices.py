"""Who says it: espeak-ng voices, their speeds and pitches, and the ones kept back for the evaluation."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np

from playground.models.make_tiny_whisper.espeak import sample_rate, synthesize

SAMPLING_RATE = 16_000

# The library calls the British voice `en`.
ACCENTS = ("en-us", "en-us", "en-us", "en", "en", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-rp",
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
    return Voice(
        name, random_source.choice(speeds), random_source.randint(15, 85), random_source.choice((0, 0, 0, 1, 3))
    )


def held_out_voice(random_source: random.Random) -> Voice:
    """A variant and a speed that training never used."""
    name = _name(random_source.choice(ACCENTS), random_source.choice(HELD_OUT_VARIANTS))
    return Voice(name, random_source.choice(HELD_OUT_SPEEDS), random_source.randint(30, 70))


@dataclass(frozen=True)
class Speech:
    """float32 mono at 16 kHz without silence around it, and each phoneme's start in seconds and name."""

    samples: np.ndarray
    phonemes: list[tuple[float, str]]

    def stretched(self, percent: int) -> Speech:
        """The speech played slower (above 100) or faster, which moves the formants as another throat would."""
        moved = [(start * percent / 100, name) for start, name in self.phonemes]
        return Speech(resample(self.samples, percent, 100), moved)


def speak(text: str, voice: Voice) -> Speech:
    """What espeak-ng says; OSError where it is not installed, ValueError where it makes no sound of the text."""
    sound = synthesize(text, voice.name, voice.speed, voice.pitch, voice.word_gap)
    samples = sound.samples.astype(np.float32) / 32768
    loud = np.flatnonzero(np.abs(samples) > 0.003)
    if not len(loud):
        raise ValueError(f"espeak-ng made no sound of {text!r} with {voice.name}")
    trimmed = resample(samples[loud[0] : loud[-1] + 1], SAMPLING_RATE, sample_rate())
    return Speech(trimmed, [((first - loud[0]) / sample_rate(), name) for first, name in sound.phonemes])


def resample(samples: np.ndarray, up: int, down: int) -> np.ndarray:
    """Band-limited resampling to up / down times as many samples, through the spectrum."""
    unit = 1 << (-(-len(samples) // down) - 1).bit_length()  # both transforms get lengths without large factors
    spectrum = np.fft.rfft(samples, unit * down)
    kept = np.zeros(unit * up // 2 + 1, dtype=spectrum.dtype)
    count = min(len(kept), len(spectrum))
    kept[:count] = spectrum[:count]
    changed = np.fft.irfft(kept, unit * up)[: round(len(samples) * up / down)]
    return (changed * (up / down)).astype(np.float32)
