"""Which columns LLM.int8() took out in each forward, so that a replay of one row can take out the same.

A column goes to the exact product for every row of a forward as soon as one row has an outlier in it: under int8
weights a row's numbers depend, by the rounding of an activation, on the rows that share its forward.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from unittest import mock

from bitsandbytes import functional
from torch import Tensor

from playground.engine.backends.transformers.kv.cache import PagedCache
from playground.engine.backends.transformers.kv.row import BatchRow
from playground.engine.backends.transformers.runner import TransformersRunner
from playground.engine.backends.transformers.weights import int8_linear
from playground.engine.request import Request
from tests.engine.transformers.reference import DEVICE

Quantized = tuple[Tensor, Tensor, Tensor | None]


class OutlierColumns:
    """Notes the forwards of a runner since `begin`, and imposes one's columns on another forward."""

    def __init__(self, runner: TransformersRunner) -> None:
        self._forward = runner.forward
        on_cpu = DEVICE == "cpu"
        self._where = (int8_linear, "quantize_rows") if on_cpu else (functional, "int8_vectorwise_quant")
        self._quantize = getattr(*self._where)
        self._forwards: list[tuple[Sequence[BatchRow], list[Tensor]]] = []
        runner.forward = self._noted  # type: ignore[method-assign]

    def begin(self) -> None:
        """Forget the forwards so far."""
        self._forwards = []

    @contextmanager
    def again(self, request: Request, start: int) -> Iterator[None]:
        """The columns of the forward that computed this token."""
        rows = ((row, columns) for rows, columns in self._forwards for row in rows if row.request is request)
        # Forwards that share their products are not noted: under int8 weights none may, and columns would be missed.
        given = iter(next((columns for row, columns in rows if row.start <= start < row.length), []))

        def quantize(states: Tensor, threshold: float = 0.0) -> Quantized:
            codes, scale, _ = self._quantize(states, threshold)
            columns = next(given) if threshold else None
            if columns is not None:
                codes[:, columns] = 0
            return codes, scale, columns

        with mock.patch.object(*self._where, quantize):
            yield

    def _noted(self, rows: Sequence[BatchRow], cache: PagedCache, keep: int) -> Tensor:
        columns: list[Tensor] = []

        def quantize(states: Tensor, threshold: float = 0.0) -> Quantized:
            found = self._quantize(states, threshold)
            if threshold:
                columns.append(found[2])
            return found

        with mock.patch.object(*self._where, quantize):
            logits = self._forward(rows, cache, keep)
        self._forwards.append((rows, columns))
        return logits
