"""The figures of both sides of a load: TTFT, steps and makespan; for policies also the predictions, for engines TPOT
and TPS. During a run its progress."""

from __future__ import annotations

from typing import Any

from textual.content import Content
from textual.widget import Widget

from playground.text import numbers
from playground.tui.batching.figures import Progress, progress, verdict
from playground.tui.state.load_run import LoadRun
from playground.tui.state.load_runs import LoadRuns
from playground.tui.styles import MUTED
from playground.tui.widgets.fitting import leading_parts
from playground.tui.widgets.progress_bar import progress_bar

WIDE, NARROW = 100, 77


class LoadTable(Widget):
    """A headline about the load, and a row per run."""

    DEFAULT_CSS = """
    LoadTable { height: 4; padding: 0 1; background: $surface; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._lines: tuple[Content, ...] = ()
        self._wide: tuple[Content, ...] = ()

    def show(self, runs: LoadRuns, hint: str) -> None:
        """Redraw if a figure changed; `hint` is the headline if there is no other."""
        lines, wide = _lines(runs, hint, False), _lines(runs, hint, True)
        if (lines, wide) != (self._lines, self._wide):
            self._lines, self._wide = lines, wide
            self.refresh()

    def render(self) -> Content:
        headline, *rows = self._wide if self.size.width >= WIDE else self._lines
        # A hint may wrap: there are no rows of runs yet.
        first = [headline] if len(rows) > 1 else headline.wrap(max(1, self.size.width))
        return Content("\n").join([*first, *rows])


def _lines(runs: LoadRuns, hint: str, wide: bool) -> tuple[Content, ...]:
    if runs.engines:
        return _headline(runs, hint, wide), _engine_titles(wide), *(_engine_row(run, wide) for run in runs.ordered())
    return _headline(runs, hint, wide), _titles(wide), *(_row(run, wide) for run in runs.ordered())


def _headline(runs: LoadRuns, hint: str, wide: bool) -> Content:
    now = progress(runs)
    if now:
        return _bar(now, runs.busy, wide)
    if runs.busy:
        return Content.styled(runs.preparing or "getting ready: setting the policy, predicting", MUTED)
    said = verdict(runs)
    if not wide:
        said, hint = leading_parts(said, "; ", NARROW) or said, leading_parts(hint, ", ", NARROW) or hint
    return Content.styled(said, "bold") if said else Content.styled(hint, MUTED)


def _bar(now: Progress, stoppable: bool, wide: bool) -> Content:
    left = "" if now.left_s is None else f"  {now.left_s:.0f} s left"
    return Content.assemble(
        (f"run {now.number} of 2  {now.side:<10}  ", "bold"),
        progress_bar(now.share),
        f"  {numbers.percent(now.share)}{' of its tokens' if wide else ''}{left}",
        ("   Esc stops" if stoppable else "", MUTED),
    )


def _titles(wide: bool) -> Content:
    more = (
        f"{'steps':>11}{'predicted':>11}{'makespan':>13}{'predicted':>11}" if wide else f"{'steps':>9}{'predicted':>11}"
    )
    how = "  from measured step costs" if wide else ""
    return Content.styled(f"{'TTFT':<12}{'p50':>9}{'p90':>9}{'p99':>9}{more}{how}", MUTED)


def _engine_titles(wide: bool) -> Content:
    more = f"{'p99':>11}{'steps':>11}{'makespan':>13}{'TPS':>14}" if wide else f"{'TPS':>14}"
    return Content.styled(f"{'TTFT':<12}{'p50':>9}{'p90':>9}{'p99':>9}{'TPOT p50':>11}{more}", MUTED)


def _engine_row(run: LoadRun, wide: bool) -> Content:
    middle, _, slowest = run.tpot()
    cells = f"{_ttft(run)}{numbers.seconds(middle):>11}"
    if wide:
        cells += (
            f"{numbers.seconds(slowest):>11}{numbers.count(run.board.total):>11}{numbers.seconds(run.makespan):>13}"
        )
    return Content.assemble((f"{run.side:<12}", "bold"), f"{cells}{numbers.rate(run.tps, 'tok/s'):>14}")


def _ttft(run: LoadRun) -> str:
    return "".join(f"{numbers.seconds(value):>9}" for value in run.ttft())


def _row(run: LoadRun, wide: bool) -> Content:
    expected, ttft = run.predicted, _ttft(run)
    steps = numbers.count(run.board.total)
    foreseen = numbers.count(expected.steps if expected else None)
    if not wide:
        return Content.assemble((f"{run.side:<12}", "bold"), f"{ttft}{steps:>9}{foreseen:>11}")
    seconds, guess = numbers.seconds(run.makespan), numbers.seconds(expected.makespan_s if expected else None)
    return Content.assemble(
        (f"{run.side:<12}", "bold"),
        ttft,
        f"{steps:>11}",
        (f"{foreseen:>11}", MUTED),
        f"{seconds:>13}",
        (f"{guess:>11}", MUTED),
    )
