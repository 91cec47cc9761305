"""Operations and bytes of attention, counted one by one for small shapes."""

from __future__ import annotations

import pytest

from playground.engine.attention_cost import flops, moved_bytes, visible_pairs
from playground.protocol.measurements import HeadShape

SHAPE = HeadShape(heads=4, kv_heads=2, head_dim=3, itemsize=2)


@pytest.mark.parametrize(("queries", "keys"), [(1, 1), (5, 5), (1, 9), (4, 9)])
def test_pairs_and_operations_as_the_loops_would_do_them(queries: int, keys: int):
    seen = operations = 0
    for query in range(queries):
        for key in range(keys):
            if key <= keys - queries + query:
                seen += 1
                for _ in range(SHAPE.heads):
                    operations += 2 * SHAPE.head_dim + 2 * SHAPE.head_dim
    assert visible_pairs(queries, keys) == seen
    assert flops(SHAPE, queries, keys) == operations


def test_shared_heads_are_read_once():
    tensors = [(SHAPE.heads, 5), (SHAPE.kv_heads, 9), (SHAPE.kv_heads, 9), (SHAPE.heads, 5)]
    assert moved_bytes(SHAPE, 5, 9) == sum(heads * length * 3 * 2 for heads, length in tensors)
    full = HeadShape(heads=4, kv_heads=4, head_dim=3, itemsize=2)
    assert moved_bytes(full, 1, 1000) / moved_bytes(SHAPE, 1, 1000) == pytest.approx(2, rel=0.01)
    assert flops(full, 5, 9) == flops(SHAPE, 5, 9), "each query head computes its own scores"
