"""The cost of a step, fitted to measured steps: a base, prefill tokens, and rows that decode or are held."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean

from playground.protocol.commands import StepSeconds
from playground.protocol.steps import Step

LEAST_STEPS = 8
RIDGE = (0.0, 1e-6, 1e-2)


class CostFit:
    """Least squares over any number of steps, kept as sums. The pauses between steps of a busy engine count too."""

    def __init__(self) -> None:
        self._squares = [[0.0] * 3 for _ in range(3)]
        self._products = [0.0] * 3
        self._pauses: list[float] = []
        self._ended: tuple[int, float] | None = None
        self.steps = 0

    def add(self, steps: Iterable[Step]) -> None:
        """Add steps in their order."""
        for step in steps:
            if self._ended and self._ended[0] == step.index - 1:
                self._pauses.append(max(0.0, step.start - self._ended[1]))
            self._ended = (step.index, step.start + step.seconds) if _busy_after(step) else None
            row = _terms(step)
            for i, left in enumerate(row):
                self._products[i] += left * step.seconds
                for j, right in enumerate(row):
                    self._squares[i][j] += left * right
            self.steps += 1

    def cost(self) -> StepSeconds | None:
        """The fitted cost; None while there are too few steps."""
        if self.steps < LEAST_STEPS:
            return None
        # If rows hardly vary, their cost cannot be told from the base; the ridge then assigns all of it to the base.
        matrix = [
            [value + (RIDGE[i] * self.steps if i == j else 0.0) for j, value in enumerate(row)]
            for i, row in enumerate(self._squares)
        ]
        base, prefill, row = _solve(matrix, self._products)
        pause = fmean(self._pauses) if self._pauses else 0.0
        return StepSeconds(base=base + pause, prefill_token=prefill, row=row)


def _busy_after(step: Step) -> bool:
    """Whether work is left after a step: a pause before the next one is then the engine's own, not a wait."""
    active = (work.request_id for work in step.slots if work.request_id and work.phase != "held")
    return bool(step.waiting or any(request_id not in step.finished for request_id in active))


def _terms(step: Step) -> tuple[float, float, float]:
    prefill = sum(work.tokens for work in step.slots if work.phase == "prefill")
    rows = sum(work.phase in ("decode", "held") for work in step.slots)
    return 1.0, float(prefill), float(rows)


def _solve(matrix: Sequence[Sequence[float]], right: Sequence[float]) -> list[float]:
    """Solve a small positive definite system by Gauss-Jordan elimination."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for pivot in range(len(rows)):
        rows[pivot] = [value / rows[pivot][pivot] for value in rows[pivot]]
        for other in range(len(rows)):
            if other != pivot:
                factor = rows[other][pivot]
                rows[other] = [a - factor * b for a, b in zip(rows[other], rows[pivot], strict=True)]
    return [row[-1] for row in rows]
