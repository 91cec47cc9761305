"""Rendered windows on disk in shards, and batches of them of nearly equal length."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from playground.models.make_tiny_whisper.samples import FRAMES_PER_SECOND, Sample, Segment, draw_sample

SHARD_SAMPLES = 400
SHARDS_AT_ONCE = 5  # a batch is drawn from this many, so that its lengths can be alike
WINDOW_FRAMES = 3_000
BATCH_FRAMES = 6_400  # encoder frames of 10 ms in a batch, padding included
BATCH_SAMPLES = 40
JOIN_AFTER_BATCHES = 1_500  # from then on a third of the short windows are put together, several to a window
FIRST_PASS_FRAMES = 700  # longer windows wait for the second pass: they are dear, and teach little at first


def shard_path(folder: Path, index: int) -> Path:
    """Where this shard lies."""
    return folder / f"shard_{index:04d}.npz"


def _render_shard(job: tuple[Path, int, int]) -> None:
    folder, seed, index = job
    os.nice(10)
    first = seed * 10_000_000 + index * SHARD_SAMPLES
    samples = [draw_sample(first + offset) for offset in range(SHARD_SAMPLES)]
    words = [[(segment.start, segment.end, segment.text) for segment in sample.segments] for sample in samples]
    unfinished = folder / f"unfinished_{index:04d}.npz"
    np.savez(
        unfinished,
        features=np.concatenate([sample.features for sample in samples]),
        lengths=[len(sample.features) for sample in samples],
        phonemes=np.concatenate([sample.phonemes for sample in samples]).astype(np.uint8),
        segments=json.dumps(words),
    )
    unfinished.rename(shard_path(folder, index))


def render(folder: Path, seed: int, shards: int, processes: int) -> None:
    """Renders the shards that are not there yet, in order, with this many processes."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [(folder, seed, index) for index in range(shards) if not shard_path(folder, index).exists()]
    # A new process for every shard: the sound that espeak-ng makes depends on what it has said before.
    with multiprocessing.get_context("spawn").Pool(processes, maxtasksperchild=1) as pool:
        for _ in pool.imap(_render_shard, missing, chunksize=1):
            pass


def read_shard(folder: Path, index: int) -> list[Sample]:
    """The windows of one shard; waits while it is still being rendered."""
    while not (path := shard_path(folder, index)).exists():
        time.sleep(1)
    with np.load(path) as shard:
        features, lengths, phonemes = shard["features"], shard["lengths"], shard["phonemes"].astype(np.int64)
        words = json.loads(str(shard["segments"]))
    windows = np.split(features, np.cumsum(lengths)[:-1])
    tracks = np.split(phonemes, np.cumsum(lengths // 2)[:-1])
    rows = zip(windows, tracks, words, strict=True)
    return [Sample(window, track, [Segment(*segment) for segment in row]) for window, track, row in rows]


def _cut(samples: list[Sample]) -> Iterator[list[Sample]]:
    """Batches of samples in order of length, each within the frame and sample limits."""
    batch: list[Sample] = []
    for sample in sorted(samples, key=lambda sample: len(sample.features)):
        if batch and (len(batch) == BATCH_SAMPLES or (len(batch) + 1) * len(sample.features) > BATCH_FRAMES):
            yield batch
            batch = []
        batch.append(sample)
    yield batch


def _concatenate(samples: list[Sample]) -> Sample:
    """One window after the other, each cut to whole positions of two frames."""
    features = [sample.features[: 2 * len(sample.phonemes)] for sample in samples]
    starts = np.cumsum([0] + [len(window) for window in features]) / FRAMES_PER_SECOND
    segments = [
        Segment(start + segment.start, start + segment.end, segment.text)
        for start, sample in zip(starts, samples, strict=False)
        for segment in sample.segments
    ]
    return Sample(np.concatenate(features), np.concatenate([sample.phonemes for sample in samples]), segments)


def _joined(samples: list[Sample], random_source: random.Random) -> list[Sample]:
    """The samples with a third of the short ones in groups of two to four: sentence after sentence in one window."""
    short = [sample for sample in samples if len(sample.features) <= FIRST_PASS_FRAMES]
    random_source.shuffle(short)
    ready = [sample for sample in samples if len(sample.features) > FIRST_PASS_FRAMES]
    separate = 2 * len(short) // 3
    ready += short[:separate]
    while separate < len(short):
        count = random_source.randint(2, 4)
        ready.append(_concatenate(short[separate : separate + count]))
        separate += count
    return ready


def batches(folder: Path, seed: int, shards: int) -> Iterator[list[Sample]]:
    """Endless batches: first the short windows, shard by shard as they are rendered; in later passes all of them."""
    random_source = random.Random(seed)
    order = list(range(shards))
    longest, given = FIRST_PASS_FRAMES, 0
    while True:
        for first in range(0, shards, SHARDS_AT_ONCE):
            samples = [s for index in order[first : first + SHARDS_AT_ONCE] for s in read_shard(folder, index)]
            if given >= JOIN_AFTER_BATCHES:
                samples = _joined(samples, random_source)
            ready = list(_cut([sample for sample in samples if len(sample.features) <= longest]))
            random_source.shuffle(ready)
            yield from ready
            given += len(ready)
        random_source.shuffle(order)
        longest = WINDOW_FRAMES
