"""One training window: speech in its scene, as the log-mel features that faster-whisper computes, with its words."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor

from playground.models.make_tiny_whisper.augment import change_scene, change_voice, no_speech, rms
from playground.models.make_tiny_whisper.voices import SAMPLING_RATE, speak, training_voice
from playground.models.make_tiny_whisper.wordings import training_text

WINDOW_SECONDS = 30.0
FRAMES_PER_SECOND = 100


@dataclass(frozen=True)
class Segment:
    """Words and when they are said, in seconds of the window."""

    start: float
    end: float
    text: str


@dataclass(frozen=True)
class Sample:
    """Features (frames, 80) and the segments in them; no segment means that nobody speaks."""

    features: np.ndarray
    segments: list[Segment]


def _silence(seconds: float) -> np.ndarray:
    return np.zeros(int(seconds * SAMPLING_RATE), dtype=np.float32)


def _say(random_source: random.Random, generator: np.random.Generator, count: int) -> tuple[np.ndarray, list[Segment]]:
    """`count` texts in one voice with pauses, silence before and after; stops before the window is full."""
    voice = training_voice(random_source)
    parts = [_silence(random_source.choice((0.0, random_source.uniform(0, 0.9))))]
    segments: list[Segment] = []
    for _ in range(count):
        text = training_text(random_source)
        speech = change_voice(generator, speak(text, voice))
        start = sum(map(len, parts)) / SAMPLING_RATE
        end = start + len(speech) / SAMPLING_RATE
        if end > WINDOW_SECONDS - 0.5:
            break
        segments.append(Segment(start, end, text))
        parts += [speech, _silence(random_source.uniform(0.35, 1.8))]
    parts[-1] = _silence(random_source.choice((0.0, random_source.uniform(0, 1.0))))
    return np.concatenate(parts), segments


def _spoken_count(random_source: random.Random) -> int:
    """How many texts one window holds: mostly one, sometimes a few, rarely a full window."""
    return random_source.choices((1, 2, 3, 4, 12), weights=(90, 5, 2.5, 1.5, 1.0))[0]


def draw_sample(seed: int) -> Sample:
    """The window of this seed; one in fourteen holds no speech."""
    random_source = random.Random(seed)
    generator = np.random.default_rng(seed)
    if random_source.random() < 0.07:
        samples, segments = no_speech(generator, random_source.choice((0.5, 1, 2, 2, 3, 3, 5, 5, 8, 12, 30))), []
    else:
        clean, segments = _say(random_source, generator, _spoken_count(random_source))
        samples = change_scene(generator, clean, rms(clean[np.abs(clean) > 0.01]))
    return Sample(log_mel(samples), segments)


_EXTRACTOR = FeatureExtractor()


def log_mel(samples: np.ndarray) -> np.ndarray:
    """float16 (frames, 80): normalized over the whole recording, as faster-whisper does before it pads with zeros."""
    features = _EXTRACTOR(samples)[:, : int(WINDOW_SECONDS * FRAMES_PER_SECOND)]
    return features.T.astype(np.float16)
