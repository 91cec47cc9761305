"""The training loop: Muon for the matrices, AdamW for the rest."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import cross_entropy
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from playground.models.make_tiny_coder.corpus import Corpus
from playground.models.make_tiny_coder.model import build_model, export
from playground.models.make_tiny_coder.stage import Stage

TOKENS_PER_STEP = 2048  # at least one row, so twice as many with the longest rows
SAVE_SECONDS = 300.0
LOG_STEPS = 50


@dataclass(frozen=True)
class Budget:
    """How long to train: a number of steps, or minutes of wall clock."""

    steps: int | None = None
    minutes: float | None = None

    def __str__(self) -> str:
        return f"{self.steps}-steps" if self.steps is not None else f"{self.minutes:g}-minutes"

    def part(self, share: float) -> Budget:
        """A share of this budget."""
        if self.steps is not None:
            return Budget(steps=max(1, round(self.steps * share)))
        assert self.minutes is not None, "a budget has steps or minutes"
        return Budget(minutes=self.minutes * share)

    def progress(self, step: int, seconds: float) -> float:
        """The share of the training that is done, 0 to 1 and above."""
        if self.steps is not None:
            return step / self.steps
        assert self.minutes is not None, "a budget has steps or minutes"
        return seconds / (60 * self.minutes)


class Training:
    """One stage, resumed where `state/state.pt` left it; `export/` beside it holds the averaged weights so far."""

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerFast,
        stage: Stage,
        budget: Budget,
        seed: int,
        state: Path,
        weights: dict[str, torch.Tensor] | None = None,
    ) -> None:
        torch.manual_seed(seed)
        self.tokenizer, self.stage, self.budget, self.state = tokenizer, stage, budget, state
        self.model = build_model(tokenizer).train()
        if weights is not None:
            self.model.load_state_dict(weights)
        self.average = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
        self.optimizers = _optimizers(self.model, stage)
        self.corpus = Corpus(tokenizer, seed, stage)
        self.step, self.tokens, self.seconds = 0, 0, 0.0
        if (state / "state.pt").exists():
            self._resume()

    def run(self) -> None:
        """Train until this stage's budget is used up; logs to standard output, saves every SAVE_SECONDS."""
        saved, losses = self.seconds, []
        while (progress := self.budget.progress(self.step, self.seconds)) < 1:
            begin, tokens = time.perf_counter(), self.tokens
            losses.append(self._train_step(progress))
            self.seconds += time.perf_counter() - begin
            if self.step % LOG_STEPS == 0:
                speed = (self.tokens - tokens) / (time.perf_counter() - begin)
                mean = sum(losses) / len(losses)
                print(f"{self.step} {self.seconds:.0f}s {progress:.3f} loss {mean:.4f} {speed:.0f} tok/s", flush=True)
                losses.clear()
            if self.seconds - saved > SAVE_SECONDS:
                saved = self.seconds
                self.save()
        self.save()

    def save(self) -> None:
        """Write the resumable state and export the averaged weights."""
        self.state.mkdir(parents=True, exist_ok=True)
        partial = self.state / "state.partial"
        torch.save(self._contents(), partial)
        partial.replace(self.state / "state.pt")
        export(self.average, self.tokenizer, self.state / "export")

    @property
    def counters(self) -> tuple[int, int, float]:
        """Steps, tokens and seconds so far."""
        return self.step, self.tokens, self.seconds

    def _train_step(self, progress: float) -> float:
        length = next(length for start, length in reversed(self.stage.row_lengths) if progress >= start)
        rows = torch.from_numpy(self.corpus.rows(max(1, TOKENS_PER_STEP // length), length + 1))
        _set_rates(
            self.optimizers, self.stage, min(1.0, (self.step + 1) / self.stage.warm_up_steps) * _cosine(progress)
        )
        with torch.autocast("cpu", torch.bfloat16):
            logits = self.model(input_ids=rows[:, :-1], use_cache=False).logits
        loss = cross_entropy(logits.float().flatten(0, 1), rows[:, 1:].flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad()
        for name, tensor in self.model.state_dict().items():
            self.average[name].lerp_(tensor, 1 - min(self.stage.average_decay, self.step / (self.step + 10)))
        self.step += 1
        self.tokens += rows[:, 1:].numel()
        return loss.item()

    def _contents(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "average": self.average,
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "random": self.corpus.random.getstate(),
            "used": self.corpus.used,
            "counters": self.counters,
        }

    def _resume(self) -> None:
        contents = torch.load(self.state / "state.pt", weights_only=False)
        self.model.load_state_dict(contents["model"])
        self.average = contents["average"]
        for optimizer, state in zip(self.optimizers, contents["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        self.corpus.random.setstate(contents["random"])
        self.corpus.used = contents["used"]
        self.step, self.tokens, self.seconds = contents["counters"]


def _optimizers(model: LlamaForCausalLM, stage: Stage) -> list[torch.optim.Optimizer]:
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed" not in name]
    others = [p for name, p in model.named_parameters() if p.ndim != 2 or "embed" in name]
    return [
        torch.optim.Muon(matrices, lr=stage.matrix_rate, weight_decay=0.05, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, lr=stage.other_rate, betas=(0.9, 0.95), weight_decay=0.0),
    ]


def _set_rates(optimizers: list[torch.optim.Optimizer], stage: Stage, share: float) -> None:
    for optimizer, rate in zip(optimizers, (stage.matrix_rate, stage.other_rate), strict=True):
        for group in optimizer.param_groups:
            group["lr"] = rate * share


def _cosine(progress: float) -> float:
    """From 1 down to 0.02."""
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
