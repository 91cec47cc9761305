"""One HTML page of runs of the history: plots, a table and the formulas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from playground.bench.html.page import mib, milliseconds, page, pairs, table
from playground.bench.html.svg import Dot, Series, number, plot
from playground.session.history.export import definitions, when
from playground.session.history.run import Run, spell_options

Value = Callable[[Run], float | None]


def history_html(runs: Sequence[Run]) -> str:
    """The page of runs of the history, with quality plotted against speed and memory."""
    plots = [plot(_series(runs, lambda run: milliseconds(run.ttft_s), lambda run: run.tps), "TTFT, ms", "TPS, tok/s")]
    for measure in sorted({run.measure for run in runs if run.quality is not None}):
        judged = [run for run in runs if run.measure == measure]
        plots.append(plot(_series(judged, lambda run: run.tps, lambda run: run.quality), "TPS, tok/s", measure))
        memory = _series(judged, lambda run: mib(run.memory_bytes), lambda run: run.quality)
        plots.append(plot(memory, "Memory, MiB", measure))
    parts = [
        f"<h1>{len(runs)} run{'' if len(runs) == 1 else 's'}</h1>",
        f'<div class="plots">{"".join(plots)}</div>',
        "<h2>Runs</h2>",
        table([_run_row(run) for run in runs]),
        "<h2>Formulas</h2>",
        pairs(definitions(runs)),
    ]
    return page("Inference playground: history", parts)


def _run_row(run: Run) -> dict[str, Any]:
    return {
        "when": when(run),
        "model": run.model,
        "kind": run.kind,
        "prompt": run.title,
        "options": spell_options(run.options),
        "n": run.requests,
        "tokens": run.output_tokens,
        "TTFT ms": milliseconds(run.ttft_s),
        "TPS": run.tps,
        "system TPS": run.system_tps,
        "Memory MiB": mib(run.memory_bytes),
        "KV MiB": mib(run.kv_bytes),
        "quality": f"{run.measure} {number(run.quality)}" if run.quality is not None else None,
        "flags": ", ".join(run.flags),
        "tags": " ".join(run.tags),
        "versions": ", ".join(f"{name} {version}" for name, version in run.versions.items()),
    }


def _series(runs: Sequence[Run], x: Value, y: Value) -> list[Series]:
    dots: dict[str, list[Dot]] = {}
    for run in runs:
        across, up = x(run), y(run)
        if across is not None and up is not None:
            text = f"{run.model}  {spell_options(run.options)}  {', '.join(run.flags)}  {when(run)}"
            dots.setdefault(run.model, []).append(Dot(across, up, text))
    return [Series(model, found) for model, found in sorted(dots.items())]
