"""Which request holds which KV blocks, and which blocks are kept only for their prefix."""

from __future__ import annotations

from collections.abc import Iterable

from playground.engine.core import EngineCore
from playground.protocol.events import BlocksMapped
from playground.protocol.steps import BlockTable


def block_map(core: EngineCore) -> BlocksMapped:
    """The blocks of one loop before its next step."""
    blocks = core.runner.blocks
    tables = {
        request.request_id: BlockTable(blocks=list(request.table), tokens=request.computed, held=request.finished)
        for request in core.running
    }
    return BlocksMapped(
        step=core.step_index, count=blocks.count, size=blocks.size, tables=tables, cached=spans(sorted(blocks.kept))
    )


def spans(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Rising numbers as runs (first, length) of consecutive ones."""
    spans: list[tuple[int, int]] = []
    for number in numbers:
        first, length = spans[-1] if spans else (number, 0)
        if number == first + length:
            spans[-1:] = [(first, length + 1)]
        else:
            spans.append((number, 1))
    return spans
