"""Whisper's token layout over a small byte-level BPE: text, then specials, then 1501 timestamps of 20 ms."""

from __future__ import annotations

import random
import string
from collections.abc import Iterator
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from playground.models.make_tiny_whisper.wordings import draw_text

TEXT_TOKENS = 1024
SPECIALS = (
    "<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|translate|>", "<|transcribe|>", "<|startoflm|>",
    "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>",
)  # fmt: skip
TIMESTAMPS = tuple(f"<|{step * 0.02:.2f}|>" for step in range(1501))
TIMESTAMP_SECONDS = 0.02


def _corpus(seed: int, texts: int = 10_000) -> Iterator[str]:
    """Texts, and every letter as a word so often that space + letter merge first: faster-whisper bans a bare space."""
    random_source = random.Random(seed)
    yield from (" " + draw_text(random_source) for _ in range(texts))
    yield from (" " + " ".join(string.ascii_lowercase) for _ in range(10 * texts))


def train_tokenizer(seed: int) -> Tokenizer:
    """A tokenizer whose text ids come first and whose ids from <|endoftext|> on are special, as in Whisper."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=TEXT_TOKENS, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(_corpus(seed), trainer)
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in SPECIALS + TIMESTAMPS])
    return tokenizer


class Layout:
    """The ids that training and conversion need, read from a tokenizer."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        ids = tokenizer.get_vocab()
        self.end = ids["<|endoftext|>"]
        self.start = ids["<|startoftranscript|>"]
        self.previous = ids["<|startofprev|>"]
        self.no_speech = ids["<|nospeech|>"]
        self.plain = ids["<|notimestamps|>"]
        self.timestamps = self.plain + 1
        self.size = tokenizer.get_vocab_size()

    def text(self, text: str) -> list[int]:
        """Text ids; Whisper's text starts with a space."""
        return self.tokenizer.encode(" " + text, add_special_tokens=False).ids

    def timestamp(self, seconds: float) -> int:
        """The id of this time, rounded to a tenth of a second: finer steps are not learned from so little data."""
        return self.timestamps + round(round(seconds, 1) / TIMESTAMP_SECONDS)


def save_tokenizer(tokenizer: Tokenizer, folder: Path) -> Path:
    """Writes tokenizer.json."""
    path = folder / "tokenizer.json"
    tokenizer.save(str(path))
    return path
