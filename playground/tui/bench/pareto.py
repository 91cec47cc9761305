"""Quality against TPS or memory: one point per model and option set (its newest run), those on the frontier bold."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from playground.session.history.run import Run
from playground.text import numbers
from playground.text.plain import one_line
from playground.text.sizes import format_memory
from playground.tui.history.columns import lower_is_better, options
from playground.tui.history.quadrant import COLOURS, LABEL_WIDTH, LETTERS
from playground.tui.plots.scatter_grid import Axis, Point

Value = Callable[[Run], float | None]
TPS = Axis("TPS", numbers.significant)
MEMORY = Axis("Memory", lambda value: format_memory(int(value)), low=True)


def quality_axis(measure: str) -> Axis:
    """The axis of a measure of quality."""
    return Axis(one_line(measure, 20), numbers.significant, low=lower_is_better(measure))


def pareto(runs: Sequence[Run], memory: bool) -> list[Point]:
    """Points of runs of one measure, newest first; a letter and colour per model, options next to frontier points."""
    newest: dict[tuple[str, str], Run] = {}
    for run in runs:
        if _x(run, memory) is not None and run.quality is not None:
            newest.setdefault((run.model, options(run)), run)
    models = sorted({model for model, _ in newest})
    return [
        Point(
            x=_x(run, memory) or 0.0,
            y=run.quality or 0.0,
            mark=LETTERS[models.index(model) % len(LETTERS)],
            style=f"$request-{models.index(model) % COLOURS}",
            label=one_line(spelled if len(models) == 1 else f"{model} {spelled}", LABEL_WIDTH) if best else "",
            strong=best,
            group=model,
        )
        for (model, spelled), run in newest.items()
        for best in [not any(_beats(other, run, memory) for other in newest.values())]
    ]


def _x(run: Run, memory: bool) -> float | None:
    return run.memory_bytes if memory else run.tps


def _beats(other: Run, run: Run, memory: bool) -> bool:
    """Better in one of the two and not worse in the other."""
    gains = [
        _gain(_x(other, memory), _x(run, memory), memory),
        _gain(other.quality, run.quality, lower_is_better(run.measure)),
    ]
    return min(gains) >= 0 and max(gains) > 0


def _gain(other: float | None, own: float | None, low: bool) -> float:
    difference = (other or 0.0) - (own or 0.0)
    return -difference if low else difference
