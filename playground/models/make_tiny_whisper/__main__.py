"""`python -m playground.models.make_tiny_whisper`: renders, trains, converts, evaluates and writes the card."""

from __future__ import annotations

import argparse
import multiprocessing
from pathlib import Path

from playground.models.make_tiny_whisper.data import render
from playground.models.make_tiny_whisper.tokenizer import Layout, save_tokenizer, train_tokenizer
from playground.models.make_tiny_whisper.train import train

SEED = 1
SHARDS = 120
STEPS = 5500


def main() -> None:
    """Retrains all from nothing, or goes on where an earlier run in the same work folder stopped."""
    parser = argparse.ArgumentParser(prog="make_tiny_whisper", description=main.__doc__)
    parser.add_argument("--work", type=Path, default=Path("/tmp/tiny-whisper"), help="shards and checkpoints (4 GB)")
    parser.add_argument("--processes", type=int, default=2, help="how many render speech at once")
    arguments = parser.parse_args()
    tokenizer = train_tokenizer(SEED)
    save_tokenizer(tokenizer, arguments.work)
    rendering = multiprocessing.Process(
        target=render, args=(arguments.work / "shards", SEED, SHARDS, arguments.processes)
    )
    rendering.start()
    train(arguments.work, Layout(tokenizer), SEED, SHARDS, STEPS)
    rendering.join()


if __name__ == "__main__":
    main()
