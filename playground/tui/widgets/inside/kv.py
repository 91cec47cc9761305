"""Weights against KV on the Inside screen: stacked over the context, by dtype in a table, and the weights trial."""

from __future__ import annotations

from playground.text import numbers
from playground.text.sizes import format_bytes
from playground.tui.inside.kv_chart import WIDE, capacity_table, described, draw_stack
from playground.tui.inside.weights_trial import UNTOLD, WeightsTrial
from playground.tui.memory_source import device_bytes
from playground.tui.plots.scatter_grid import Part
from playground.tui.state.kv_capacity import Pool
from playground.tui.state.state import State
from playground.tui.styles import MUTED
from playground.tui.widgets.inside.panel import InsidePanel

MOST_REQUESTS = 1024


class KVPanel(InsidePanel):
    """Redraws for another model, KV cache or number of requests."""

    def __init__(self, trial: WeightsTrial) -> None:
        super().__init__("Weights against KV", "drawn once a model is loaded", id="kv")
        self._trial, self._requests = trial, 1

    def multiply_requests(self, by: float) -> None:
        """Draw KV for `by` times as many requests."""
        self._requests = max(1, min(MOST_REQUESTS, int(self._requests * by)))

    def look(self, state: State) -> None:
        """Draw for the current model and KV cache."""
        facts = state.facts
        if facts is None:
            self.show(None, "", lambda width, height: [])
            return
        if not facts.kv_bytes_per_token:
            self.show(facts, "", lambda width, height: [[(UNTOLD, MUTED)]])
            return
        weights, kind = state.memory.weights or facts.weights_bytes, state.toggles.requested.kv_cache
        block, requests = state.toggles.requested.block_size, self._requests
        pool = state.inside.kv.pool or Pool(0, state.memory.kv_reserved, state.toggles.requested.max_batch)

        def table(width: int) -> list[list[Part]]:
            return [*capacity_table(facts, block, pool, kind, state.inside, width), *_found(self._trial)]

        def draw(width: int, height: int) -> list[list[Part]]:
            lines = table(width)
            return [*draw_stack(facts, weights, kind, block, requests, width, height - len(lines)), *lines]

        note = described(facts, weights, kind, block, requests, device_bytes(state))
        self.show((weights, kind, block, requests, str(table(WIDE))), note, draw)


def _found(trial: WeightsTrial) -> list[list[Part]]:
    """A line per kind of weights; none before the first trial."""
    if not trial.kinds:
        return []
    lines: list[list[Part]] = [[(f"{'weights':9}{'bytes':>12}{'switch':>10}{'TPS':>16}", MUTED)]]
    for kind in trial.kinds:
        waits = "measuring" if kind is trial.now else kind.fault
        speed = numbers.rate(kind.tps, "tok/s") if kind.tps else waits or numbers.UNKNOWN
        text = f"{kind.name:9}{format_bytes(kind.bytes):>12}{numbers.seconds(kind.switch_s):>10}{speed:>16}"
        lines.append([(text, "bold" if kind is trial.now else "")])
    return lines
