"""What one attention call costs at least, by its shape alone: floating-point operations and bytes moved. Pure."""

from __future__ import annotations

from playground.protocol.measurements import HeadShape


def visible_pairs(queries: int, keys: int) -> int:
    """Pairs of a query and a key that it may see: the newest query sees all keys, each one before it one key fewer."""
    return queries * keys - queries * (queries - 1) // 2


def flops(shape: HeadShape, queries: int, keys: int) -> float:
    """Floating-point operations: two products of `head_dim` multiplications and additions for each visible pair and
    query head, the scores and the weighted sum of values. Softmax is left out. Heads that share keys still each compute
    their own scores."""
    return 4.0 * shape.heads * shape.head_dim * visible_pairs(queries, keys)


def moved_bytes(shape: HeadShape, queries: int, keys: int) -> float:
    """Bytes of queries in and outputs out (`heads` each), and of keys and values in (`kv_heads` each), every number
    once. Scores are an intermediate result: a kernel that writes them to memory is slower for it, it does not do more
    useful work."""
    numbers = 2 * shape.heads * queries + 2 * shape.kv_heads * keys
    return float(numbers * shape.head_dim * shape.itemsize)


def score_bytes(shape: HeadShape, queries: int, keys: int) -> int:
    """Bytes of a kernel that materialises its scores: about three copies, one of them in float32 (scores, softmax,
    both)."""
    return shape.heads * queries * keys * (2 * shape.itemsize + 4)
