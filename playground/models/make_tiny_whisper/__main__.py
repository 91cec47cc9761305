"""`python -m playground.models.make_tiny_whisper`: renders, trains, converts, evaluates and writes the card."""

from __future__ import annotations

import argparse
import multiprocessing
from pathlib import Path

from tokenizers import Tokenizer

from playground.models.make_tiny_whisper.card import Measured, Recipe, write_card
from playground.models.make_tiny_whisper.convert import convert
from playground.models.make_tiny_whisper.data import SHARD_SAMPLES, render
from playground.models.make_tiny_whisper.evaluate import (
    DEFAULT,
    GREEDY,
    held_out_utterances,
    in_windows,
    load,
    with_noise,
    word_errors,
    words_from_nothing,
)
from playground.models.make_tiny_whisper.network import TrainedWhisper
from playground.models.make_tiny_whisper.tokenizer import Layout, train_tokenizer
from playground.models.make_tiny_whisper.train import train
from playground.models.make_tiny_whisper.voices import HELD_OUT_SPEEDS, HELD_OUT_VARIANTS

SEED = 1
SHARDS = 60
STEPS = 2400
EVALUATION_SEED = 20_000
UTTERANCES = 200
WORDLESS = 60
OUTPUT = Path(__file__).parents[1] / "tiny-whisper"


def _train(work: Path, tokenizer: Tokenizer, processes: int) -> TrainedWhisper:
    """Renders in the background and trains on what is there, as far as an earlier run has not."""
    rendering = multiprocessing.Process(target=render, args=(work / "shards", SEED, SHARDS, processes))
    rendering.start()
    model = train(work, Layout(tokenizer), SEED, SHARDS, STEPS)
    rendering.join()
    return model


def measure(folder: Path) -> Measured:
    """Every figure of the card, from the files in `folder`."""
    model = load(folder)
    clean = held_out_utterances(EVALUATION_SEED, UTTERANCES)
    noisy = with_noise(clean, EVALUATION_SEED)
    errors = {
        "clean, faster-whisper's defaults": word_errors(model, clean, **DEFAULT),
        "clean, greedy without timestamps": word_errors(model, clean, **GREEDY),
        "10 dB noise, faster-whisper's defaults": word_errors(model, noisy, **DEFAULT),
        "10 dB noise, greedy without timestamps": word_errors(model, noisy, **GREEDY),
        "clean, three sentences in one window": word_errors(model, in_windows(clean, 3), **DEFAULT),
        "clean, sixteen sentences in about 50 s": word_errors(model, in_windows(clean, 16), **DEFAULT),
    }
    invented = [
        line
        for settings in (DEFAULT, GREEDY)
        for line in words_from_nothing(model, EVALUATION_SEED, WORDLESS, **settings)
    ]
    return Measured(errors, 2 * WORDLESS, invented)


def main() -> None:
    """Retrains all from nothing, or goes on where an earlier run in the same work folder stopped."""
    parser = argparse.ArgumentParser(prog="make_tiny_whisper", description=main.__doc__)
    parser.add_argument("--work", type=Path, default=Path("/tmp/tiny-whisper"), help="shards and checkpoint (3 GB)")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="the model's folder")
    parser.add_argument("--processes", type=int, default=2, help="how many render speech at once")
    arguments = parser.parse_args()
    tokenizer = train_tokenizer(SEED)
    trained = _train(arguments.work, tokenizer, arguments.processes)
    convert(trained.whisper, tokenizer, arguments.output)
    measured = measure(arguments.output)
    for line in measured.invented:
        print(f"heard words in {line}")
    parameters = sum(parameter.numel() for parameter in trained.whisper.parameters())
    held_out = f"variants {', '.join(HELD_OUT_VARIANTS)}; {', '.join(map(str, HELD_OUT_SPEEDS))} words a minute"
    write_card(arguments.output, Recipe(SEED, SHARDS * SHARD_SAMPLES, STEPS, parameters), measured, held_out)


if __name__ == "__main__":
    main()
