"""Outlier features: columns so large that plain int8 loses the others, or that float16 overflows."""

from __future__ import annotations

from collections.abc import AsyncIterator

from playground.bench.engine import WorkerEngine
from playground.bench.texts import bundled_texts
from playground.protocol.commands import MeasureOutliers
from playground.protocol.events import CheckFinding, OutliersMeasured

THRESHOLD = 6.0  # of LLM.int8(), https://arxiv.org/abs/2208.07339
FLOAT16_LIMIT = 65504.0
PROMPT_CHARACTERS = 800


async def check_outliers(engine: WorkerEngine) -> AsyncIterator[CheckFinding]:
    """Measure the inputs of all linear layers in one forward over a text."""
    prompt = bundled_texts()[0].content[:PROMPT_CHARACTERS]
    measured = await engine.ask(MeasureOutliers(prompt=prompt), OutliersMeasured)
    fed = [layer for layer in measured.layers if any(peak >= THRESHOLD for peak in layer.peaks)]
    largest = max((layer.peaks[0] for layer in measured.layers), default=0.0)
    beyond = f"{len(fed)} of {len(measured.layers)} inputs have columns beyond {THRESHOLD:g}"
    overflows = largest >= FLOAT16_LIMIT
    yield CheckFinding(
        name="outliers",
        verdict="warn" if overflows else "pass",
        evidence=f"{beyond}; the largest value is {largest:.3g}",
        advice="LLM.int8() computes in float16, where this overflows" if overflows else "",
    )
