"""The measurements of the Inside screen: a fold over events. Knows nothing of Textual."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from playground.protocol.events import (
    AttentionMeasured,
    Failed,
    LoadCancelled,
    ModelLoaded,
    OptionsApplied,
    OutliersMeasured,
    RequestFinished,
    StepsExecuted,
    WorkerExited,
)
from playground.protocol.measurements import AttentionPoint, Ceilings
from playground.protocol.steps import Step
from playground.protocol.wire import AnyEvent
from playground.tui.state.kv_capacity import KVCapacity
from playground.tui.state.weights_answers import WeightsAnswers

TRAIL = 48


class InsideState:
    """`points` grow while attention is measured; `trail` holds the newest steps that computed something;
    `token_bytes`: measured bytes of a token in the KV cache, by dtype; `kv`: what the engine allotted, and what ran in
    it; `weights`: the answers of the weights trial."""

    def __init__(self) -> None:
        self.outliers: OutliersMeasured | None = None
        self.points: list[AttentionPoint] = []
        self.ceilings: Ceilings | None = None
        self.done = self.total = 0
        self.trail: deque[Step] = deque(maxlen=TRAIL)
        self.token_bytes: dict[str, float] = {}
        self.kv = KVCapacity()
        self.weights = WeightsAnswers()
        self._kv_cache, self._block_size = "", 0

    @property
    def measuring(self) -> bool:
        """Whether attention is being measured."""
        return self.done < self.total

    def add_event(self, event: AnyEvent) -> None:
        """Fold an event."""
        self.weights.add_event(event)
        match event:
            case OutliersMeasured():
                self.outliers = event
            case AttentionMeasured():
                self._add_points(event)
            case StepsExecuted():
                self.trail.extend(step for step in event.steps if any(work.tokens for work in step.slots))
                self._weigh(event.steps)
                self.kv.add_steps(event.steps)
            case RequestFinished():
                self.kv.finish(event)
            case OptionsApplied():
                if event.requested.block_size != self._block_size:
                    self.token_bytes, self.kv = {}, KVCapacity()
                self.kv.apply(event)
                self._kv_cache, self._block_size = event.requested.kv_cache, event.requested.block_size
            case Failed(where="MeasureAttention") | WorkerExited(role="engine"):
                self.total = self.done  # no more points will come
            case ModelLoaded() | LoadCancelled():
                InsideState.__init__(self)

    def _weigh(self, steps: Sequence[Step]) -> None:
        # A step that ends requests reports their bytes, but no longer their blocks.
        held = [step for step in steps if step.blocks_used and not step.finished]
        if held and self._block_size:
            self.token_bytes[self._kv_cache] = held[-1].kv_bytes / (held[-1].blocks_used * self._block_size)

    def _add_points(self, event: AttentionMeasured) -> None:
        if event.done == 0:
            self.points = []
        self.points += event.points
        self.ceilings, self.done, self.total = event.ceilings, event.done, event.total
