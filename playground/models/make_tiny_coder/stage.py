"""The two stages of the training: short rows to learn the language, then long rows to look far back."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """One stage, each with a learning rate of its own that rises, then falls to near zero."""

    share: float  # of the whole budget
    row_lengths: tuple[tuple[float, int], ...]  # from this share of the stage on, rows of so many tokens
    shares: dict[str, float]  # each kind's share of all tokens
    needles: int  # at most so many in one long text
    matrix_rate: float
    other_rate: float
    warm_up_steps: int
    average_decay: float


SHORT = Stage(
    share=0.954,
    row_lengths=((0.0, 256), (0.8, 1024), (0.9, 2048), (0.97, 4096)),
    # Tasks are learned fast; looking back takes longer.
    shares={"tasks": 0.46, "chat": 0.18, "recall": 0.26, "prose": 0.10},
    needles=6,
    matrix_rate=4e-3,
    other_rate=3e-3,
    warm_up_steps=100,
    average_decay=0.998,
)
# The first stage ends at a rate too low to learn distance; many needles in a text give it something to learn from.
LONG = Stage(
    share=0.046,
    row_lengths=((0.0, 1024), (0.4, 2048), (0.8, 4096)),
    shares={"tasks": 0.28, "chat": 0.12, "recall": 0.52, "prose": 0.08},
    needles=20,
    matrix_rate=1.5e-3,
    other_rate=1e-3,
    warm_up_steps=20,
    average_decay=0.98,
)
STAGES = (SHORT, LONG)
