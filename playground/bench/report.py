"""The report of a suite: its totals, its items, and the flags that say how far to trust them."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from playground import __version__
from playground.protocol.metrics import FORMULAS, Memory, prefix_hit
from playground.protocol.options import as_text
from playground.protocol.percentiles import median_of_known
from playground.protocol.wire import without_surrogates
from playground.session.fold import Fold, Generated, unmet
from playground.telemetry.disturbance import Disturbance


class Conditions(NamedTuple):
    """The conditions of a measurement that its `Trust` flags report: `notes`, and what disturbed it, None if this
    machine cannot tell."""

    notes: Sequence[str] = ()
    throttled: tuple[str, ...] | None = None
    other_processes: int | None = None

    @classmethod
    def of(cls, disturbance: Disturbance, notes: Sequence[str] = ()) -> Conditions:
        """Conditions with what disturbed a measurement."""
        return cls(notes, disturbance.throttled, disturbance.other_processes)


UNDISTURBED = Conditions()
PREFIX_KEPT = "the server's prefix cache was not emptied"


class Trust(msgspec.Struct, frozen=True, kw_only=True):
    """The trust flags of a result; None if this machine cannot tell.

    `start`: whether the engine had served anything before the measurement. `prefix_hit`: share of all prompt tokens
    that the prefix cache served. `throttled`: why GPU clocks were held down. `other_processes`: the most other
    processes that computed on the engine's GPU. `differs`: by toggle, why it is not what was requested. `n`: samples
    behind the totals. `notes`: anything else that weakens the result, one line each ("stopped by Ctrl+C: 12 of 40
    tasks").
    """

    start: Literal["cold", "warm"]
    prefix_hit: float | None
    throttled: tuple[str, ...] | None
    other_processes: int | None
    differs: dict[str, str]
    n: int
    versions: dict[str, str]
    formulas: dict[str, str]
    notes: list[str] = []


class Speed(msgspec.Struct, frozen=True, kw_only=True):
    """The speed and memory of the engine: medians over requests, and the most memory; None if nothing was generated."""

    ttft_s: float | None = None
    tps: float | None = None
    output_tokens: int = 0
    memory_bytes: int | None = None
    kv_bytes: int | None = None
    weights_bytes: int | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One run of one suite. `options` as requested, `effective` as read back; `totals` and `items` depend on the
    suite."""

    suite: str
    model: str
    options: dict[str, str]
    effective: dict[str, str]
    totals: dict[str, Any]
    items: list[dict[str, Any]]
    trust: Trust
    speed: Speed = Speed()
    engine: str = ""


def build_report(
    suite: str,
    fold: Fold,
    totals: Any,
    items: Sequence[Any],
    trust: Trust,
    model: str = "",
    timed: Sequence[Generated] | None = None,
) -> Report:
    """Build a report of one engine's work; totals and items are structs or dicts. `timed`: the requests that measure
    the speed, by default all."""
    report = Report(
        suite=suite,
        model=model or (fold.loaded.facts.name if fold.loaded else ""),
        options=as_text(fold.options),
        effective=fold.effective,
        totals=msgspec.to_builtins(totals),
        items=[msgspec.to_builtins(item) for item in items],
        trust=trust,
        speed=_speed(fold, list(fold.requests.values()) if timed is None else timed),
        engine=fold.loaded.capabilities.engine if fold.loaded else "",
    )
    return storable(report)


def storable(report: Report) -> Report:
    """The same without lone surrogates, which the name of a file may hold, and no JSON."""
    return msgspec.convert(without_surrogates(msgspec.to_builtins(report)), Report)


def build_trust(
    fold: Fold,
    *,
    n: int,
    formulas: Sequence[str],
    start: Literal["cold", "warm"] = "cold",
    conditions: Conditions = UNDISTURBED,
) -> Trust:
    """Build the trust flags of one engine's work. `formulas` are names of `protocol.metrics.FORMULAS`."""
    return Trust(
        start=start,
        prefix_hit=prefix_hit(fold.metrics),
        throttled=conditions.throttled,
        other_processes=conditions.other_processes,
        differs=unmet(fold.options, fold.effective, fold.reasons),
        n=n,
        versions=_versions(fold),
        formulas={name: FORMULAS[name] for name in formulas},
        notes=[*conditions.notes, *([PREFIX_KEPT] if fold.prefix_kept else [])],
    )


def write_report(report: Report, path: Path) -> None:
    """Write the report as JSON; raises `OSError` with the file."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")


def _speed(fold: Fold, requests: Sequence[Generated]) -> Speed:
    metrics = [request.finished.metrics for request in requests if request.finished]
    memory = fold.memory or Memory()
    return Speed(
        ttft_s=median_of_known(metric.ttft_s for metric in metrics),
        tps=median_of_known(metric.decode_tps for metric in metrics),
        output_tokens=sum(request.output_tokens for request in requests),
        memory_bytes=memory.peak or memory.process,
        kv_bytes=fold.kv_bytes_peak or None,
        weights_bytes=memory.weights or None,
    )


def _versions(fold: Fold) -> dict[str, str]:
    engine = fold.loaded.capabilities.versions if fold.loaded else {}
    return {"playground": __version__, "python": platform.python_version(), **engine}
