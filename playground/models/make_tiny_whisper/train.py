"""The training loop: one thread, resumable, the same result for the same seed and library versions."""

from __future__ import annotations

import math
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

PEAK_RATE = 1.2e-3
WARM_UP_STEPS = 400
CHARACTER_WEIGHT = 1.0
CHECKPOINT_STEPS = 500


def learning_rate(step: int, steps: int) -> float:
    """Linear warm-up, then half a cosine down to a fiftieth of the peak."""
    if step < WARM_UP_STEPS:
        return PEAK_RATE * (step + 1) / WARM_UP_STEPS
    progress = (step - WARM_UP_STEPS) / max(1, steps - WARM_UP_STEPS)
    return PEAK_RATE * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))


def losses(model: TrainedWhisper, batch: Batch) -> tuple[Tensor, Tensor]:
    """Cross-entropy of the tokens and CTC of the characters, in nats per token and per encoder position."""
    with torch.autocast("cpu", torch.bfloat16):
        logits, characters = model(batch.features, batch.tokens, batch.positions, batch.log_weights, batch.sounding)
    tokens = functional.cross_entropy(logits.float().flatten(0, 1), batch.labels.flatten(), ignore_index=IGNORED)
    lengths = torch.tensor([len(row) for row in batch.characters])
    alignment = functional.ctc_loss(
        characters.float().log_softmax(-1).transpose(0, 1),
        torch.cat(batch.characters),
        torch.full((len(lengths),), batch.sounding),
        lengths,
        reduction="sum",
        zero_infinity=True,
    )
    # Per position: a batch of silence has no characters to divide by.
    return tokens, alignment / (len(lengths) * batch.sounding)


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
        tokens, alignment = losses(model, make_batch(samples, layout, random.Random(seed * 1_000_003 + step)))
        optimizer.zero_grad()
        (tokens + CHARACTER_WEIGHT * alignment).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        heard += len(samples)
        seen.append((tokens.item(), alignment.item()))
        if (step + 1) % 50 == 0:
            mean_tokens, mean_alignment = (sum(column) / len(seen) for column in zip(*seen, strict=True))
            rate = heard / (time.monotonic() - started)
            print(f"step {step + 1} tokens {mean_tokens:.3f} characters {mean_alignment:.3f} {rate:.1f} windows/s")
            seen = []
        if (step + 1) % CHECKPOINT_STEPS == 0 or step + 1 == steps:
            _save(checkpoint, model, optimizer, step + 1)
    return model
