"""Makes tiny-coder from nothing: tokenizer, training, held-out data, figures, card."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch

from playground.models.make_tiny_coder.card import write_card
from playground.models.make_tiny_coder.corpus import tokenizer_texts
from playground.models.make_tiny_coder.evaluate import evaluate
from playground.models.make_tiny_coder.held_out import write_held_out
from playground.models.make_tiny_coder.stage import STAGES
from playground.models.make_tiny_coder.tokenizer import train_tokenizer
from playground.models.make_tiny_coder.train import Budget, Training

TOKENIZER_TEXTS = 30_000
STEPS = 3418  # as many as the bundled model had
BUNDLED = Path(__file__).parent.parent / "tiny-coder"


def main() -> None:
    """Train for --steps or --minutes and write the model to --out; an interrupted run goes on where it was."""
    parser = argparse.ArgumentParser(prog="python -m playground.models.make_tiny_coder", description=__doc__)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--steps", type=int, help=f"training steps; repeatable (default {STEPS})")
    length.add_argument("--minutes", type=float, help="wall clock; the number of steps depends on the machine")
    parser.add_argument("--out", type=Path, default=BUNDLED)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    steps = None if arguments.minutes else arguments.steps or STEPS
    budget = Budget(steps, arguments.minutes)
    state = Path(tempfile.gettempdir()) / f"tiny-coder-seed-{arguments.seed}-{budget}"
    facts = train(budget, arguments.seed, state)
    publish(state / "export", arguments.out, facts)
    shutil.rmtree(state)


def train(budget: Budget, seed: int, state: Path) -> dict[str, Any]:
    """Train the tokenizer and every stage; the model lands in `state/export`. Returns what the card says of it."""
    tokenizer = train_tokenizer(tokenizer_texts(seed, TOKENIZER_TEXTS))
    weights, counters = None, []
    for number, stage in enumerate(STAGES):
        training = Training(tokenizer, stage, budget.part(stage.share), seed + number, state / str(number), weights)
        training.run()
        weights = training.average
        counters.append(training.counters)
    shutil.copytree(training.state / "export", state / "export")
    steps, tokens, seconds = (sum(column) for column in zip(*counters, strict=True))
    return {"steps": steps, "tokens": tokens, "seconds": round(seconds), "seed": seed, "budget": str(budget)}


def publish(export: Path, target: Path, facts: dict[str, Any]) -> None:
    """Copy an exported model to `target`, put the held-out data beside it, measure it and write its card."""
    shutil.copytree(export, target, dirs_exist_ok=True)
    write_held_out(target)
    write_card(target, evaluate(target) | {"training": facts})


if __name__ == "__main__":
    main()
