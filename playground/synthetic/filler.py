"""What stands between a needle and its question."""

from __future__ import annotations

import random

from playground.synthetic.prose import draw_paragraph
from playground.synthetic.tasks import draw_task


def draw_filler(random_source: random.Random) -> str:
    """A function or a paragraph."""
    if random_source.random() < 0.5:
        return draw_task(random_source, held_out=False).source
    return draw_paragraph(random_source)
