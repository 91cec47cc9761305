"""Events that say which options are effective: after a switch, and when a step has changed them."""

from __future__ import annotations

from time import perf_counter

from playground.engine.backends.base import Emit
from playground.engine.backends.transformers.live import LiveEngine
from playground.protocol.events import OptionsApplied
from playground.protocol.metrics import Memory
from playground.protocol.options import TOGGLES

COSTS = ("instant", "cache", "warm-up", "weights", "reload")


class Announcer:
    """Emits `OptionsApplied`; `effective`: the options that it emitted last."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self.effective: dict[str, str] = {}

    def announce(self, live: LiveEngine, changed: list[str], before: Memory | None, started: float) -> None:
        """Read back and emit what is effective. `before`: memory before the switch, None if nothing was switched."""
        self._announce(live, changed, before, started, live.effective())

    def settle(self, live: LiveEngine) -> None:
        """Announce again if steps have changed what is effective."""
        if live.unsettled and (effective := live.effective()) != self.effective:
            self._announce(live, [], None, perf_counter(), effective)

    def _announce(
        self, live: LiveEngine, changed: list[str], before: Memory | None, started: float, effective: dict[str, str]
    ) -> None:
        self.effective, after = effective, live.memory()
        costs = [TOGGLES[name].cost for name in changed]
        self._emit(
            OptionsApplied(
                changed=changed,
                requested=live.options,
                effective=effective,
                reasons=live.reasons(),
                cost=max(costs, key=COSTS.index, default="instant"),
                seconds=perf_counter() - started,
                step=live.core.step_index,
                before=before or after,
                after=after,
            )
        )
