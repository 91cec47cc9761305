"""How well the converted model hears, through faster-whisper itself: held-out voices, speeds and wordings."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import jiwer
import numpy as np
from faster_whisper import WhisperModel

from playground.models.make_tiny_whisper.augment import COLOURS, add_noise, any_noise, coloured_noise, record, rms
from playground.models.make_tiny_whisper.voices import SAMPLING_RATE, Voice, held_out_voice, speak
from playground.models.make_tiny_whisper.wordings import held_out_prompts

CLEAN_BOUND = 0.08
NOISY_BOUND = 0.20
NOISE_DB = 10.0

# The two ways in which faster-whisper is used: its own defaults, and the fast one for dictation.
DEFAULT = {"language": "en"}
GREEDY = {"language": "en", "beam_size": 1, "temperature": 0.0, "without_timestamps": True}


@dataclass(frozen=True)
class Utterance:
    """A held-out request, who says it, and the recording: float32 mono at 16 kHz."""

    text: str
    voice: Voice
    samples: np.ndarray


@dataclass(frozen=True)
class Errors:
    """Word errors over all utterances: substitutions, insertions, deletions, and the words that were said."""

    substitutions: int
    insertions: int
    deletions: int
    words: int

    @property
    def rate(self) -> float:
        """Word error rate."""
        return (self.substitutions + self.insertions + self.deletions) / self.words


def _surround(samples: np.ndarray, seconds: float = 0.3) -> np.ndarray:
    return np.pad(samples, int(seconds * SAMPLING_RATE))


def held_out_utterances(seed: int, count: int) -> list[Utterance]:
    """`count` requests, each in a voice and at a speed that training never used; 0.3 s of silence around them."""
    random_source = random.Random(seed)
    voices = [held_out_voice(random_source) for _ in range(count)]
    texts = held_out_prompts(seed, count)
    return [
        Utterance(text, voice, _surround(speak(text, voice).samples)) for text, voice in zip(texts, voices, strict=True)
    ]


def with_noise(utterances: list[Utterance], seed: int, snr_db: float = NOISE_DB) -> list[Utterance]:
    """The utterances with noise at this ratio to the speech, its four colours in turn."""
    generator = np.random.default_rng(seed)
    noisy = []
    for index, utterance in enumerate(utterances):
        samples = utterance.samples
        noise = coloured_noise(generator, len(samples), list(COLOURS)[index % len(COLOURS)])
        mixed = add_noise(samples, noise, snr_db, rms(samples[samples != 0]))
        noisy.append(Utterance(utterance.text, utterance.voice, record(mixed, -3.0)))
    return noisy


def in_windows(utterances: list[Utterance], together: int) -> list[Utterance]:
    """Groups of utterances in one recording, 0.6 s and more apart."""
    groups = [utterances[first : first + together] for first in range(0, len(utterances) - together + 1, together)]
    return [
        Utterance(" ".join(u.text for u in group), group[0].voice, np.concatenate([u.samples for u in group]))
        for group in groups
    ]


def wordless(seed: int, count: int) -> Iterator[tuple[str, np.ndarray]]:
    """Recordings without speech: digital silence, then noise of every kind and level, 1 to 30 s."""
    generator = np.random.default_rng(seed)
    for seconds in (1, 5, 30):
        yield f"silence {seconds} s", np.zeros(seconds * SAMPLING_RATE, dtype=np.float32)
    for index in range(count - 3):
        seconds, level = generator.choice((1, 2, 5, 10, 30)), generator.uniform(-70, -3)
        noise = any_noise(generator, int(seconds) * SAMPLING_RATE)
        yield f"noise {index}, {seconds} s at {level:.0f} dB", record(noise, level)


def hear(model: WhisperModel, samples: np.ndarray, **settings: object) -> str:
    """What the model writes, in lower case."""
    segments, _ = model.transcribe(samples, **settings)
    return " ".join(segment.text.strip() for segment in segments).strip().lower()


def word_errors(model: WhisperModel, utterances: list[Utterance], **settings: object) -> Errors:
    """Word errors of these utterances (jiwer; lower case, no other normalization)."""
    heard = [hear(model, utterance.samples, **settings) for utterance in utterances]
    output = jiwer.process_words([utterance.text for utterance in utterances], heard)
    words = output.hits + output.substitutions + output.deletions
    return Errors(output.substitutions, output.insertions, output.deletions, words)


def words_from_nothing(model: WhisperModel, seed: int, count: int, **settings: object) -> list[str]:
    """For every wordless recording in which the model heard words: what it was and what was heard."""
    heard = [(name, hear(model, samples, **settings)) for name, samples in wordless(seed, count)]
    return [f"{name}: {text}" for name, text in heard if text]


def load(folder: Path) -> WhisperModel:
    """The converted model on the CPU with int8 arithmetic."""
    return WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=1)
