"""A suite's report as a run of the history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from playground import paths
from playground.bench.report import Report, Trust
from playground.protocol.options import DEFAULTS, as_text
from playground.session.history.run import Run, disturbances, not_as_requested

# The path of a suite's figure of quality within its totals, and the name of its measure.
QUALITY = (
    ("pass_at_k.1", "pass@1"),
    ("own.bits_per_byte", "bits per byte"),
    ("own.perplexity", "perplexity"),
    ("bits_per_byte", "bits per byte"),
    ("errors.wer", "WER"),
)


def report_run(report: Report, at: float) -> Run:
    """A run with the whole report; `at`: when it ended, in Unix seconds."""
    defaults, speed = as_text(DEFAULTS), report.speed
    value, measure = quality_of(report.totals)
    seconds = report.totals.get("seconds")
    return Run(
        at=at,
        kind=f"bench {report.suite}",
        model=paths.model_name(report.model),
        model_path=report.model,
        engine=report.engine,
        options={name: text for name, text in report.options.items() if text != defaults.get(name)},
        effective=report.effective,
        flags=_flags(report.trust, report.effective),
        requests=report.trust.n,
        output_tokens=speed.output_tokens,
        seconds=seconds if isinstance(seconds, float) else None,
        ttft_s=speed.ttft_s,
        tps=speed.tps,
        system_tps=report.totals.get("tokens_per_second"),
        memory_bytes=speed.memory_bytes,
        kv_bytes=speed.kv_bytes,
        weights_bytes=speed.weights_bytes,
        quality=value,
        measure=measure,
        versions=report.trust.versions,
        result=msgspec.to_builtins(report),
    )


def quality_of(totals: Mapping[str, Any]) -> tuple[float | None, str]:
    """The figure of quality of a suite, and the name of its measure."""
    for path, measure in QUALITY:
        value: Any = totals
        for name in path.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        if isinstance(value, float | int):
            return float(value), measure
    return None, ""


def _flags(trust: Trust, effective: Mapping[str, str]) -> list[str]:
    """The flags as other runs have them, without `cold`: only the first request of a suite is cold, its medians are
    not."""
    return [
        *([f"prefix {round(100 * trust.prefix_hit)} %"] if trust.prefix_hit else []),
        *not_as_requested(trust.differs, effective),
        *disturbances(trust.throttled, trust.other_processes),
        *trust.notes,
    ]
