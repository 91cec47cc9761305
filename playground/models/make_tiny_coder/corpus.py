"""The training stream: documents of every kind in given shares, packed into rows of token ids."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy
from transformers import PreTrainedTokenizerFast

from playground.models.make_tiny_coder.chat import draw_conversation
from playground.models.make_tiny_coder.recall import draw_recall
from playground.models.make_tiny_coder.stage import SHORT, Stage
from playground.synthetic.prose import draw_paragraph
from playground.synthetic.tasks import draw_task


class Corpus:
    """An endless, seeded stream of documents and of rows packed from them."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, seed: int, stage: Stage) -> None:
        self.tokenizer, self.stage = tokenizer, stage
        self.random = random.Random(seed)
        self.used = dict.fromkeys(stage.shares, 0.0)

    def rows(self, count: int, length: int) -> numpy.ndarray:
        """`count` rows of `length` token ids, int64; every row begins with the beginning of a document."""
        return numpy.array([self._row(length) for _ in range(count)], dtype=numpy.int64)

    def _row(self, length: int) -> list[int]:
        row: list[int] = []
        shares = self.stage.shares
        while len(row) < length:
            kind = max(shares, key=lambda one: shares[one] / (1 + self.used[one]))
            text = draw_document(self.random, kind, length - len(row), self.stage.needles)
            ids = [*self.tokenizer.encode(text), self.tokenizer.eos_token_id]
            self.used[kind] += min(len(ids), length - len(row))
            row += ids
        return row[:length]


def draw_document(random_source: random.Random, kind: str, room: int, needles: int) -> str:
    """One document of a kind; only recall texts make use of the `room` in tokens and of the number of `needles`."""
    if kind == "tasks":
        return draw_task(random_source, held_out=False).source
    if kind == "chat":
        return draw_conversation(random_source)
    if kind == "prose":
        return draw_paragraph(random_source) + "\n"
    return draw_recall(random_source, max(room, 120), needles)


def tokenizer_texts(seed: int, count: int) -> Iterator[str]:
    """Documents to train the tokenizer on."""
    random_source = random.Random(seed)
    for _ in range(count):
        kind = random_source.choices(list(SHORT.shares), (70, 12, 3, 15))[0]
        yield draw_document(random_source, kind, 256, SHORT.needles)
