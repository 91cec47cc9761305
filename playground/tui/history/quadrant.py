"""TTFT against TPS: one point per model and option set, the median of its runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import median

from playground.session.history.run import Run, spell_options
from playground.text import numbers
from playground.text.plain import one_line
from playground.tui.history.columns import options
from playground.tui.plots.scatter_grid import Axis, Point

NEWEST = 2000
LABEL_WIDTH, NAME_WIDTH, MOST_MODELS = 24, 60, 6
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
COLOURS = 8
X = Axis("TTFT", lambda value: numbers.seconds(value), low=True)
Y = Axis("TPS", lambda value: numbers.significant(value))


def comparable(run: Run) -> bool:
    """Whether a run measures what others do: not one that was cold, switched or ended early."""
    return not any(flag in ("cold", "abort", "error") or flag.startswith("switched") for flag in run.flags)


def set_name(run: Run) -> str:
    """Model and options of a run, which name its point."""
    return one_line(f"{run.model} {options(run)}", NAME_WIDTH)


def model_key(points: Iterable[Point]) -> str:
    """`A Qwen3-0.6B  B tiny-coder`: the models of the letters."""
    letters = sorted({(point.group, point.mark) for point in points})
    named = [f"{mark} {one_line(model, LABEL_WIDTH)}" for model, mark in letters[:MOST_MODELS]]
    more = len(letters) - MOST_MODELS
    return "  ".join([*named, *([f"and {more} more"] if more > 0 else [])])


def quadrant(runs: Sequence[Run]) -> list[Point]:
    """A letter and colour per model; its option set with the best TPS per TTFT is labelled with its name."""
    sets: dict[tuple[str, str], list[Run]] = defaultdict(list)
    for run in runs:
        if comparable(run) and run.ttft_s and run.tps:
            sets[run.model, spell_options(run.options)].append(run)
    models = sorted({model for model, _ in sets})
    measured = {key: (_median(same, "ttft_s"), _median(same, "tps")) for key, same in sets.items()}
    best = {
        model: max((key for key in measured if key[0] == model), key=lambda key: _worth(measured[key]))
        for model in models
    }
    return [
        Point(
            x=ttft,
            y=tps,
            mark=LETTERS[models.index(key[0]) % len(LETTERS)],
            style=f"$request-{models.index(key[0]) % COLOURS}",
            label=one_line(key[0], LABEL_WIDTH) if key == best[key[0]] else "",
            strong=key == best[key[0]],
            name=set_name(sets[key][0]),
            group=key[0],
        )
        for key, (ttft, tps) in measured.items()
    ]


def _median(runs: Sequence[Run], name: str) -> float:
    values: list[float] = [getattr(run, name) for run in runs]
    return median(values)


def _worth(measured: tuple[float, float]) -> float:
    ttft, tps = measured
    return tps / ttft
