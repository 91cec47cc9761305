"""Numbers of a Prometheus page (https://prometheus.io/docs/instrumenting/exposition_formats/)."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from dataclasses import dataclass, field

from playground.engine.backends.openai_server.server import Metric, Server
from playground.protocol.server import ServerMeasured

SAMPLE = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?\s*", re.ASCII)
LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"', re.ASCII)


@dataclass
class Page:
    """Values by series name, one per combination of labels, and the labels of the last of them."""

    values: dict[str, list[float]] = field(default_factory=dict)
    labels: dict[str, dict[str, str]] = field(default_factory=dict)


def read_page(text: str, parts: Collection[str] = (), names: tuple[str, ...] = ("",)) -> Page:
    """Read the samples whose names begin with one of `names`: a page has hundreds of lines, and running streams wait
    meanwhile. Skips lines that are not samples and values that are not finite. Skips samples with a non-empty label of
    `parts`: they break down another sample of the same name."""
    page = Page()
    for line in text.splitlines():
        sample = SAMPLE.fullmatch(line) if line.startswith(names) else None
        if not sample:
            continue
        name, written = sample[1], sample[3]
        labels = dict(LABEL.findall(sample[2] or ""))
        try:
            value = float(written)
        except ValueError:
            continue
        if math.isfinite(value) and not any(labels.get(part) for part in parts):
            page.values.setdefault(name, []).append(value)
            page.labels[name] = labels
    return page


def value_of(metric: Metric | None, page: Page) -> float | None:
    """One number; None if the server does not report it, or a ratio's denominator is missing or zero."""
    if metric is None:
        return None
    found = _first(metric.names, page)
    if found is None or not metric.per:
        return None if found is None else max(found) if metric.largest else sum(found)
    total = sum(_first(metric.per, page) or ())
    return sum(found) / total if total else None


def measured(server: Server, page: Page, time: float) -> ServerMeasured:
    """What the server reported at `time`."""
    names = server.metrics.__struct_fields__
    values = {name: value_of(getattr(server.metrics, name), page) for name in names}
    return ServerMeasured(time=time, **values)


def cache_labels(server: Server, page: Page) -> dict[str, str]:
    """The labels that describe how the server's KV cache is configured."""
    return page.labels.get(server.cache_info.name, {}) if server.cache_info else {}


def _first(names: list[str], page: Page) -> list[float] | None:
    return next((page.values[name] for name in names if name in page.values), None)
