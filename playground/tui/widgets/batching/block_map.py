"""The KV blocks, coloured by request: its letter where a stretch begins, # shared, ░ cached for its prefix."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from textual.content import Content
from textual.widget import Widget

from playground.protocol.events import BlocksMapped
from playground.text import numbers
from playground.text.sparkline import BARS
from playground.tui.batching.blocks import Block, blocks, figures, merged
from playground.tui.letters import Letter
from playground.tui.state.load_run import LoadRun
from playground.tui.state.load_runs import LoadRuns
from playground.tui.styles import MUTED
from playground.tui.widgets.board.cells import MERGED_LEGEND
from playground.tui.widgets.fitting import leading_parts

WIDE = 100
MOST_WIDE = 3
SHARED, CACHED = "#", "░"
LEGEND = f"█ full  ▄ half full  · held  {SHARED} shared  {CACHED} cached prefix"


class BlockMap(Widget):
    """The newest map of the current run; of one that has ended, the fullest."""

    DEFAULT_CSS = """
    BlockMap {
        height: 1fr; min-height: 2; padding: 0 1; background: $surface; text-wrap: nowrap; text-overflow: ellipsis;
    }
    """

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._run: LoadRun | None = None
        self._event: BlocksMapped | None = None
        self._done = False

    def show(self, runs: LoadRuns) -> None:
        """Redraw if the map changed."""
        run = runs.running or runs.newest
        event = run.fullest if run and run.done else run.blocks if run else None
        done = run is not None and run.done
        if (run, event, done) != (self._run, self._event, self._done):
            self._run, self._event, self._done = run, event, done
            self.refresh()

    def render(self) -> Content:
        if self._event is None or self._run is None:
            return Content.assemble(("Blocks", "bold"), ("   drawn while a load runs", MUTED))
        width, room = self.size.width, max(1, self.size.height - 1)
        rows = max(1, room - 1)  # one is for the legend
        each, row = merged(blocks(self._event), width * rows)
        wide = min(MOST_WIDE, max(1, rows * (width // MOST_WIDE) * MOST_WIDE // max(1, len(row))))
        width = width // wide * wide
        cells = [block for block in row for _ in range(wide)]
        lines = [Content.assemble(*_line(self._run, cells[at : at + width])) for at in range(0, len(cells), width)]
        legends = [Content.styled(legend, MUTED) for legend in (f"boards  {MERGED_LEGEND}", f"blocks  {LEGEND}")]
        return Content("\n").join([self._title(self._event, each, self._run), *lines, *legends[: room - len(lines)]])

    def _title(self, event: BlocksMapped, each: int, run: LoadRun) -> Content:
        """As many of the figures as fit, each beside the glyph of its blocks."""
        known, width = figures(event), self.size.width
        when = f"{run.side}, fullest" if run.done else run.side
        title = Content.assemble(
            ("Blocks", "bold"),
            (f" {when}, step {numbers.count(run.steps_before(event))} " if width >= WIDE else "", MUTED),
        )
        parts = [
            f"used {numbers.percent(known.used / max(1, event.count))}",
            f"{SHARED} shared {numbers.count(known.shared)}",
            f"{CACHED} cached {numbers.count(known.cached)}",
            f"free {numbers.count(known.free)}",
            *([f"{each} a cell"] if each > 1 else []),
            f"fragmentation {numbers.percent(known.unused)}",
            *([f"{known.pieces:.1f} pieces each"] if known.pieces else []),
        ]
        return title + Content(leading_parts("".join(f"  {part}" for part in parts), "  ", width - title.cell_length))


def _line(run: LoadRun, cells: list[Block]) -> Iterator[tuple[str, str]]:
    for (use, owner), same in groupby(cells, key=lambda block: (block.use, block.owner)):
        group = list(same)
        if use == "free":
            yield " " * len(group), ""
        elif use == "cached":
            yield CACHED * len(group), MUTED
        elif use == "shared":
            yield SHARED * len(group), "bold"
        else:
            letter = run.letters[owner]
            yield from _owned(letter, group, use == "held")


def _owned(letter: Letter, group: list[Block], held: bool) -> Iterator[tuple[str, str]]:
    """The letter, then a bar per block for how full it is."""
    text = letter.text[: len(group)]
    yield text, f"bold $background on $request-{letter.colour}"
    rest = group[len(text) :]
    if held:
        yield "·" * len(rest), "$meaning-held"
    else:
        yield "".join(BARS[min(7, int(block.filled * 8))] for block in rest), f"$request-{letter.colour}"
