"""One training window: speech in its scene, as the log-mel features that faster-whisper computes, with its words."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor

from playground.models.make_tiny_whisper.augment import change_scene, no_speech, rms
from playground.models.make_tiny_whisper.voices import SAMPLING_RATE, speak, training_voice
from playground.models.make_tiny_whisper.wordings import training_text

WINDOW_SECONDS = 30.0
FRAMES_PER_SECOND = 100
POSITIONS_PER_SECOND = 50

# espeak-ng's names for what its English voices say; silence comes first, a name not listed counts as it.
_PHONEMES = """
    _ t 3: l E s r g Z j b I2 u: d n OI p z tS aU N I w h a# 3 0 eI v m dZ a i@ oU e@ i@3 k A@ f S r- i D T @L
    U@ @ V @2 t# IR VR U I# O2 t[ o@ w# i: O: A: aI aI@ aI3 aU@ O o l^ I3 e e: @5 @- t2 O@ aa aI2
"""
PHONEMES = tuple(_PHONEMES.split())
PHONEME_IDS = {name: index for index, name in enumerate(PHONEMES)}


@dataclass(frozen=True)
class Segment:
    """Words and when they are said, in seconds of the window."""

    start: float
    end: float
    text: str


@dataclass(frozen=True)
class Sample:
    """Features (frames, 80), the phoneme id of every 20 ms, and the segments; none means that nobody speaks."""

    features: np.ndarray
    phonemes: np.ndarray
    segments: list[Segment]


def _silence(seconds: float) -> np.ndarray:
    return np.zeros(int(seconds * SAMPLING_RATE), dtype=np.float32)


def _say(random_source: random.Random, count: int) -> tuple[np.ndarray, list[Segment], list[tuple[float, str]]]:
    """`count` texts in one voice with pauses, silence before and after; stops before the window is full."""
    voice = training_voice(random_source)
    parts = [_silence(random_source.choice((0.0, random_source.uniform(0, 0.9))))]
    segments: list[Segment] = []
    phonemes: list[tuple[float, str]] = []
    for _ in range(count):
        text = training_text(random_source)
        speech = speak(text, voice).stretched(random_source.choice((100, random_source.randint(92, 108))))
        start = sum(map(len, parts)) / SAMPLING_RATE
        end = start + len(speech.samples) / SAMPLING_RATE
        if end > WINDOW_SECONDS - 0.5:
            break
        segments.append(Segment(start, end, text))
        phonemes += [(start + moment, name) for moment, name in speech.phonemes] + [(end, "_")]
        parts += [speech.samples, _silence(random_source.uniform(0.35, 1.8))]
    parts[-1] = _silence(random_source.choice((0.0, random_source.uniform(0, 1.0))))
    return np.concatenate(parts), segments, phonemes


def _phoneme_track(phonemes: list[tuple[float, str]], positions: int) -> np.ndarray:
    """int64 (positions,): the id of what sounds at each 20 ms."""
    starts = np.array([0.0] + [start for start, _ in phonemes])
    ids = np.array([0] + [PHONEME_IDS.get(name, 0) for _, name in phonemes])
    moments = np.arange(positions) / POSITIONS_PER_SECOND
    return ids[np.searchsorted(starts, moments, side="right") - 1]


def _spoken_count(random_source: random.Random) -> int:
    """How many texts one window holds: mostly one, sometimes a few, rarely a full window."""
    return random_source.choices((1, 2, 3, 4, 12), weights=(90, 5, 2.5, 1.5, 1.0))[0]


def draw_sample(seed: int) -> Sample:
    """The window of this seed; one in fourteen holds no speech."""
    random_source = random.Random(seed)
    generator = np.random.default_rng(seed)
    if random_source.random() < 0.07:
        samples = no_speech(generator, random_source.choice((0.5, 1, 2, 2, 3, 3, 5, 5, 8, 12, 30)))
        segments: list[Segment] = []
        phonemes: list[tuple[float, str]] = []
    else:
        clean, segments, phonemes = _say(random_source, _spoken_count(random_source))
        samples = change_scene(generator, clean, rms(clean[np.abs(clean) > 0.01]))
    features = log_mel(samples)
    return Sample(features, _phoneme_track(phonemes, len(features) // 2), segments)


_EXTRACTOR = FeatureExtractor()


def log_mel(samples: np.ndarray) -> np.ndarray:
    """float16 (frames, 80): normalized over the whole recording, as faster-whisper does before it pads with zeros."""
    features: np.ndarray = _EXTRACTOR(samples)[:, : int(WINDOW_SECONDS * FRAMES_PER_SECOND)]
    return features.T.astype(np.float16)
