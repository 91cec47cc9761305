"""Makes tiny-coder from nothing: tokenizer, training, held-out data, figures, card."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

import torch

from playground.models.make_tiny_coder.card import write_card
from playground.models.make_tiny_coder.corpus import tokenizer_texts
from playground.models.make_tiny_coder.evaluate import evaluate
from playground.models.make_tiny_coder.held_out import write_held_out
from playground.models.make_tiny_coder.tokenizer import train_tokenizer
from playground.models.make_tiny_coder.train import Budget, Training

TOKENIZER_TEXTS = 30_000
BUNDLED = Path(__file__).parent.parent / "tiny-coder"


def main() -> None:
    """Train for --steps or --minutes and write the model to --out; an interrupted run goes on where it was."""
    parser = argparse.ArgumentParser(prog="python -m playground.models.make_tiny_coder", description=__doc__)
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--steps", type=int, help="training steps; repeatable")
    length.add_argument("--minutes", type=float, help="wall clock; the number of steps depends on the machine")
    parser.add_argument("--out", type=Path, default=BUNDLED)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    budget = Budget(arguments.steps, arguments.minutes)
    state = Path(tempfile.gettempdir()) / f"tiny-coder-seed-{arguments.seed}-{budget}"
    tokenizer = train_tokenizer(tokenizer_texts(arguments.seed, TOKENIZER_TEXTS))
    Training(tokenizer, budget, arguments.seed, state).run()
    publish(state, arguments.out, arguments.seed, budget)
    shutil.rmtree(state)


def publish(state: Path, target: Path, seed: int, budget: Budget) -> None:
    """Copy a training's export to `target`, put the held-out data beside it, measure it and write its card."""
    shutil.copytree(state / "export", target, dirs_exist_ok=True)
    write_held_out(target)
    steps, tokens, seconds = torch.load(state / "state.pt", weights_only=False)["counters"]
    training = {"steps": steps, "tokens": tokens, "seconds": round(seconds), "seed": seed, "budget": str(budget)}
    write_card(target, evaluate(target) | {"training": training})


if __name__ == "__main__":
    main()
