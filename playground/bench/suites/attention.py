"""The attention suite on a screen: kernels over lengths, against the roofline of this machine."""

from __future__ import annotations

from typing import Any

from playground.bench.attention.measure import Measured, measure_attention
from playground.bench.attention.report import attention_item, attention_report
from playground.bench.engine import WorkerEngine
from playground.bench.report import Conditions, Report
from playground.bench.suites.pace import Pace
from playground.bench.suites.suite import OnProgress, Row
from playground.protocol.commands import KERNELS

LENGTHS = (128, 256, 512, 1024)


class RunningAttention:
    """`size` is the number of calls for each point."""

    def __init__(self, size: int) -> None:
        self._repeats = size
        self._measured = Measured()

    async def run(self, worker: WorkerEngine, on_progress: OnProgress) -> None:
        """See `RunningSuite`."""
        pace, measured = Pace(on_progress), self._measured

        def progress(done: int, total: int) -> None:
            items = [attention_item(point, measured) for point in measured.points]
            pace.step(done, total, _figure(items), _row(items[-1]) if items else None)

        await measure_attention(worker, LENGTHS, KERNELS, self._repeats, measured, progress)

    def report(self, worker: WorkerEngine, conditions: Conditions) -> Report | None:
        """See `RunningSuite`."""
        if not self._measured.points:
            return None
        return attention_report(self._measured, self._repeats, worker.fold, conditions)


def _row(item: dict[str, Any]) -> Row:
    name = f"{item['kernel']} {item['length']}"
    if item["fault"]:
        return Row(name, "failed", None, item["fault"])
    detail = f"{item['flops_per_second'] / 1e9:.3g} GFLOP/s  {item['bytes_per_second'] / 1e9:.3g} GB/s"
    return Row(name, item["phase"], item["seconds"], f"{detail}  {100 * item['roofline_share']:.0f} % of the roof")


def _figure(items: list[dict[str, Any]]) -> str:
    """The fastest kernel in the longest prefill."""
    known = [item for item in items if item["phase"] == "prefill" and item["seconds"]]
    longest = max((item["length"] for item in known), default=0)
    best = min((item for item in known if item["length"] == longest), key=lambda item: item["seconds"], default=None)
    return f"{best['kernel']} is fastest at {longest}" if best else ""
