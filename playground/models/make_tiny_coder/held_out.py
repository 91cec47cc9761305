"""The held-out data that lies beside the weights: tasks in HumanEval's layout, and text for perplexity."""

from __future__ import annotations

import json
import random
from pathlib import Path

from playground.synthetic.prose import draw_paragraph
from playground.synthetic.tasks import held_out_tasks

TASKS_FILE, TEXT_FILE = "held_out.jsonl", "held_out.txt"
BETWEEN = "\n\n"  # after the line end of a text: two empty lines, which no text has within
SEED = 1_000_003  # apart from any training seed; the split by hash is what keeps the data apart
TASKS, TEXTS_PER_KIND = 150, 40


def write_held_out(target: Path) -> None:
    """Write both files; the same bytes each time."""
    rows = [task.as_row(number) for number, task in enumerate(held_out_tasks(SEED, TASKS))]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (target / TASKS_FILE).write_text(lines, encoding="utf-8")
    (target / TEXT_FILE).write_text(BETWEEN.join(_texts()), encoding="utf-8")


def _texts() -> list[str]:
    """Code, English and Russian, each text with a line end, none of it seen in training."""
    random_source = random.Random(SEED)
    code = [task.source for task in held_out_tasks(SEED + 1, TEXTS_PER_KIND)]
    languages = ("english", "russian")
    prose = [draw_paragraph(random_source, one, held_out=True) for one in languages for _ in range(TEXTS_PER_KIND)]
    return code + [f"{text}\n" for text in prose]
