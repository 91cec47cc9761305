"""The view that a batch keeps between steps equals gathering its blocks again, and is dropped when it ends."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from playground.engine.backends.transformers.kv import copies
from playground.engine.backends.transformers.kv.batch_view import ROOM
from playground.engine.backends.transformers.kv.full import FullStore
from playground.engine.backends.transformers.kv.row import BatchRow
from playground.engine.blocks import BlockManager
from playground.engine.request import Request
from playground.protocol.commands import SamplingParams
from playground.protocol.timing import RequestTimer

HEADS, DIM, LAYERS = 2, 4, 2
STEPS = 3 * ROOM


def test_kept_columns_are_the_gathered_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = BlockManager(64, 16)
    kept, gathered = FullStore(blocks), FullStore(blocks)
    requests = [request(blocks, index, prompt) for index, prompt in enumerate((5, 40, 17, 16))]
    for each in requests:
        prompt = BatchRow(each, 0, len(each.prompt_ids))
        states = made(1, prompt.count)
        exchange(kept, [prompt], states), exchange(gathered, [prompt], states)
        each.computed = prompt.count
    reads = 0
    for step in range(STEPS):
        batch = requests[: 3 if step % 40 > 30 else 4]
        rows = [next_row(each, blocks, held=index == 1 and step > ROOM + 5) for index, each in enumerate(batch)]
        states = made(len(rows), 1)
        seen = exchange(kept, rows, states)
        reads += kept._view._end == max(row.length for row in rows) and kept._view._capacity == kept._view._end + ROOM
        with monkeypatch.context() as patched:
            patched.setattr(copies, "MOST_BYTES", 0)
            assert_same(seen, exchange(gathered, rows, states), rows)
        for row in rows:
            row.request.computed = row.length
    assert kept.transient_bytes > gathered.transient_bytes > 0, "of all layers, and of one"
    assert reads < STEPS / 8
    kept.forget(requests[0])
    assert not kept._view._layers


def request(blocks: BlockManager, index: int, prompt: int) -> Request:
    """A request with blocks for its prompt."""
    made = Request(str(index), list(range(prompt)), SamplingParams(), RequestTimer(submitted=0.0))
    blocks.grow(made, prompt)
    return made


def next_row(request: Request, blocks: BlockManager, held: bool) -> BatchRow:
    """The next token of a request, or its newest again."""
    if held:
        return BatchRow(request, request.computed - 1, 1, held=True)
    blocks.grow(request, 1)
    return BatchRow(request, request.computed, 1)


def made(batch: int, tokens: int) -> list[tuple[Tensor, Tensor]]:
    """New keys and values of every layer."""
    return [(torch.randn(batch, HEADS, tokens, DIM), torch.randn(batch, HEADS, tokens, DIM)) for _ in range(LAYERS)]


def exchange(
    store: FullStore, rows: list[BatchRow], states: list[tuple[Tensor, Tensor]]
) -> list[tuple[Tensor, Tensor]]:
    """One forward."""
    forward = store.lay_out(rows, torch.device("cpu"))
    return [forward(layer, *pair) for layer, pair in enumerate(states)]


def assert_same(seen: list[tuple[Tensor, Tensor]], expected: list[tuple[Tensor, Tensor]], rows: list[BatchRow]) -> None:
    """Compare the tokens of every row that is not held; nobody reads the output of held ones."""
    for pair, other in zip(seen, expected, strict=True):
        for mine, theirs in zip(pair, other, strict=True):
            assert mine.shape == theirs.shape
            for at, row in enumerate(rows):
                if not row.held:
                    assert torch.equal(mine[at, :, -row.length :], theirs[at, :, -row.length :])
