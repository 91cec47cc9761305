"""The model card, written from measured figures alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from playground.models.make_tiny_coder.stage import SHORT

BANDS = ("all", "easy", "medium", "hard")
FIGURES_FILE, CARD_FILE = "figures.json", "README.md"


def write_card(target: Path, figures: dict[str, Any]) -> None:
    """Write the figures as JSON and the card made from them."""
    (target / FIGURES_FILE).write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    training = figures["training"]
    template = Path(__file__).with_name("card_template.md").read_text(encoding="utf-8")
    card = template.format(
        millions=figures["parameters"] / 1e6,
        steps=training["steps"],
        seed=training["seed"],
        tokens_millions=training["tokens"] / 1e6,
        minutes=training["seconds"] / 60,
        budget=training["budget"].replace("-", " "),
        **SHORT.shares,
        rows="\n".join(_rows(figures)),
    )
    (target / CARD_FILE).write_text(card, encoding="utf-8")


def _rows(figures: dict[str, Any]) -> list[str]:
    rows = [
        f"| pass@1, {band} | {_share(total['passed'], total['tasks'])} |"
        for band, total in ((band, figures["pass_at_1"][band]) for band in BANDS)
    ]
    requests, perplexity = figures["requests"], figures["perplexity"]
    rows.append(
        f"| spoken requests in unseen wordings, answer passes | {_share(requests['passed'], requests['requests'])} |"
    )
    rows.append(
        f"| perplexity per token (nats per token, bits per byte) | {perplexity['perplexity']:.3f} "
        f"({perplexity['nats_per_token']:.3f}, {perplexity['bits_per_byte']:.3f}) |"
    )
    for length, found in figures["recall"].items():
        rows.append(f"| recall of a code at {length} tokens | {_share(found['right'], found['needles'])} |")
    return rows


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.2f} ({part} of {whole})"
