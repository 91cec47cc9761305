"""A batch of windows as tensors: features with their silent tail, decoder tokens, labels, phonemes."""

from __future__ import annotations

import random
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from playground.models.make_tiny_whisper.network import silent_tail
from playground.models.make_tiny_whisper.samples import Sample, Segment
from playground.models.make_tiny_whisper.tokenizer import Layout
from playground.models.make_tiny_whisper.wordings import training_text

IGNORED = -100
LATEST_START = 1.0  # faster-whisper allows no later first timestamp


@dataclass(frozen=True)
class Batch:
    """What one training step needs; `sounding` positions hold sound, the rest stand for silence."""

    features: Tensor
    positions: Tensor
    log_weights: Tensor
    sounding: int
    tokens: Tensor
    labels: Tensor
    phonemes: Tensor


def _spoken_tokens(layout: Layout, segments: list[Segment], with_timestamps: bool) -> list[int]:
    """What the decoder says after its prompt, the end token included."""
    if not with_timestamps:
        return [token for segment in segments for token in layout.text(segment.text)] + [layout.end]
    if not segments:
        return [layout.timestamp(0.0), layout.end]
    said: list[int] = []
    for segment in segments:
        start = segment.start if said else min(segment.start, LATEST_START)
        said += [layout.timestamp(start), *layout.text(segment.text), layout.timestamp(segment.end)]
    return [*said, layout.end]


def _tokens_and_labels(layout: Layout, segments: list[Segment], random_source: random.Random) -> tuple[Tensor, Tensor]:
    """Half with timestamps, one in eight after an earlier text.

    As in Whisper's English models the prompt is <|startoftranscript|> alone, and <|nospeech|> follows it in silence.
    """
    with_timestamps = random_source.random() < 0.5
    said = _spoken_tokens(layout, segments, with_timestamps)
    earlier = [layout.previous, *layout.text(training_text(random_source))] if random_source.random() < 0.125 else []
    prompt = [*earlier, layout.start] + ([] if with_timestamps else [layout.plain])
    labels = [IGNORED] * (len(prompt) - 1) + said
    if not segments:
        labels[len(earlier)] = layout.no_speech
    return torch.tensor(prompt + said[:-1]), torch.tensor(labels)


def _mask_bands(features: Tensor, random_source: random.Random) -> None:
    """SpecAugment: up to two bands of mel bins and two short times are set to the window's mean, in place."""
    mean = features.mean()
    for _ in range(random_source.randint(0, 2)):
        start = random_source.randrange(80)
        features[:, start : start + random_source.randint(1, 10)] = mean
    for _ in range(random_source.randint(0, 2)):
        start = random_source.randrange(len(features))
        features[start : start + random_source.randint(1, 8)] = mean


def make_batch(samples: list[Sample], layout: Layout, random_source: random.Random) -> Batch:
    """The batch with new masks, prompts and silent positions."""
    generator = torch.Generator().manual_seed(random_source.getrandbits(32))
    windows = [torch.from_numpy(sample.features).float() for sample in samples]
    for window in windows:
        _mask_bands(window, random_source)
    sounding = min((max(map(len, windows)) + 3) // 2, 1500)
    positions, log_weights = silent_tail(sounding, generator)
    features = torch.zeros(len(windows), 2 * len(positions), 80)
    for row, window in zip(features, windows, strict=True):
        row[: len(window)] = window
    phonemes = torch.zeros(len(windows), sounding, dtype=torch.long)
    for track, sample in zip(phonemes, samples, strict=True):
        track[: len(sample.phonemes)] = torch.from_numpy(sample.phonemes)
    drawn = [_tokens_and_labels(layout, sample.segments, random_source) for sample in samples]
    return Batch(
        features.transpose(1, 2).contiguous(), positions, log_weights, sounding,
        pad_sequence([tokens for tokens, _ in drawn], batch_first=True, padding_value=layout.end),
        pad_sequence([labels for _, labels in drawn], batch_first=True, padding_value=IGNORED),
        phonemes,
    )  # fmt: skip
