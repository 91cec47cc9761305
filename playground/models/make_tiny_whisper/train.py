"""The training loop: one thread, resumable, the same result for the same seed and library versions."""

from __future__ import annotations

import random
import time
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from playground.models.make_tiny_whisper.batch import IGNORED, Batch, make_batch
from playground.models.make_tiny_whisper.data import batches
from playground.models.make_tiny_whisper.network import TrainedWhisper
from playground.models.make_tiny_whisper.tokenizer import Layout

PEAK_RATE = 1e-3
WARM_UP_STEPS = 200
COOL_DOWN = 1 / 4  # of the steps
SILENCE_STEPS = 1000  # until silent positions weigh in attention what they will in a full window
PHONEME_WEIGHT = 1.0
CHECKPOINT_STEPS = 500


def learning_rate(step: int, steps: int) -> float:
    """Warm-up, a plateau, and a straight line down to nothing over the last quarter."""
    return PEAK_RATE * min(1.0, (step + 1) / WARM_UP_STEPS, (steps - step) / (COOL_DOWN * steps))


def losses(model: TrainedWhisper, batch: Batch, silence: float) -> tuple[Tensor, Tensor]:
    """Cross-entropy of the tokens and of the phonemes, in nats per token and per 20 ms.

    `silence` from 0 to 1 says how much of its full weight the silent tail has.
    """
    weights = batch.log_weights * silence
    with torch.autocast("cpu", torch.bfloat16):
        tokens, phonemes = model(batch.features, batch.tokens, batch.positions, weights, batch.sounding)
    said = functional.cross_entropy(tokens.float().flatten(0, 1), batch.labels.flatten(), ignore_index=IGNORED)
    return said, functional.cross_entropy(phonemes.float().flatten(0, 1), batch.phonemes.flatten())


def _save(path: Path, model: TrainedWhisper, optimizer: torch.optim.Optimizer, step: int) -> None:
    unfinished = path.with_suffix(".unfinished")
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}, unfinished)
    unfinished.rename(path)


def _resume(path: Path, model: TrainedWhisper, optimizer: torch.optim.Optimizer) -> int:
    """The step to go on from: 0 without a checkpoint."""
    if not path.exists():
        return 0
    saved = torch.load(path)
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    return int(saved["step"])


def train(folder: Path, layout: Layout, seed: int, shards: int, steps: int) -> TrainedWhisper:
    """Trains on the shards in `folder/shards`, from `folder/checkpoint.pt` where there is one; prints its losses."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    model = TrainedWhisper(layout)
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, betas=(0.9, 0.98), weight_decay=0.01)
    checkpoint = folder / "checkpoint.pt"
    done = _resume(checkpoint, model, optimizer)
    started, heard, seen = time.monotonic(), 0, []
    for step, samples in enumerate(batches(folder / "shards", seed, shards)):
        if step >= steps:
            break
        if step < done:
            continue
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps)
        # A generator of its own for every step, so that a resumed run draws what an unbroken one would.
        batch = make_batch(samples, layout, random.Random(seed * 1_000_003 + step))
        tokens, phonemes = losses(model, batch, silence=min(1.0, step / SILENCE_STEPS))
        optimizer.zero_grad()
        (tokens + PHONEME_WEIGHT * phonemes).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        heard += len(samples)
        seen.append((tokens.item(), phonemes.item()))
        if (step + 1) % 50 == 0:
            mean_tokens, mean_phonemes = (sum(column) / len(seen) for column in zip(*seen, strict=True))
            rate = heard / (time.monotonic() - started)
            print(f"step {step + 1} tokens {mean_tokens:.3f} phonemes {mean_phonemes:.3f} {rate:.1f} windows/s")
            seen = []
        if (step + 1) % CHECKPOINT_STEPS == 0 or step + 1 == steps:
            _save(checkpoint, model, optimizer, step + 1)
    return model
