"""Input columns of every layer as a heat map of their peaks against the threshold. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from math import log2

from playground.protocol.events import OutliersMeasured
from playground.protocol.measurements import LayerColumns
from playground.tui.plots.scatter_grid import Part, merged
from playground.tui.styles import MUTED

SHADES = " ·░▒▓█"
OUTLIER = "$meaning-preempted"
LARGE = "$meaning-held"
LEGEND: list[Part] = [
    ("█", OUTLIER),
    (" outlier  ", MUTED),
    ("█", LARGE),
    (" half of that  ·░▒▓█ 2 to 32x median", MUTED),
]
NAME_WIDTH, COUNT_WIDTH = 20, 16


def count_outliers(layer: LayerColumns, threshold: float) -> int:
    """Reported columns whose peak reaches the threshold; none with threshold 0, which takes nothing out."""
    return sum(peak >= threshold for peak in layer.peaks) if threshold else 0


def title(measured: OutliersMeasured, threshold: float, live: float) -> str:
    """All layers in one line; `live`: the threshold that the engine uses. Columns that
    the engine did not name may be outliers too."""
    hit = sum(count_outliers(layer, threshold) > 0 for layer in measured.layers)
    columns = sum(count_outliers(layer, threshold) for layer in measured.layers)
    shown = f"threshold {threshold:g}" + (" (live)" if threshold == live else f" (live {live:g})")
    bound = "at least " if 0 < threshold < lowest_known(measured.layers) else ""
    return f"{shown}: {bound}{columns} columns in {hit} of {len(measured.layers)} inputs"


def draw_outliers(measured: OutliersMeasured, threshold: float, width: int, height: int, top: int) -> list[list[Part]]:
    """A line per layer from line `top` on: name, columns from left to right, number of outliers; below them how many
    more layers there are, the numbers of the columns, and what the cells mean."""
    room, rows = width - NAME_WIDTH - COUNT_WIDTH, max(1, height - 2)
    if room < 8:
        return []
    lines = [_line(layer, threshold, room) for layer in measured.layers[top : top + rows]]
    return [*lines, _axis(measured.layers, top, rows, room), LEGEND]


def short_name(name: str) -> str:
    """`model.layers.3.mlp.down_proj` as `3 mlp.down_proj`."""
    parts = name.split(".")
    number = next((at for at, part in enumerate(parts) if part.isdecimal()), None)
    text = name if number is None else f"{parts[number]:>3} {'.'.join(parts[number + 1 :])}"
    return text.removesuffix("_proj").replace("self_attn", "attn")[:NAME_WIDTH]


def _axis(layers: Sequence[LayerColumns], top: int, rows: int, room: int) -> list[Part]:
    below = max(0, len(layers) - top - rows)
    more = "  ".join(f"{arrow} {count} more" for arrow, count in (("↑", top), ("↓", below)) if count)
    widths = sorted({layer.width for layer in layers})
    last = f"column {' or '.join(str(width - 1) for width in widths)}"
    last = last if len(last) < room else "last column" if room > len("last column") else ""
    return [(f"{more:<{NAME_WIDTH}}0{last:>{room - 1}}", MUTED)]


def _line(layer: LayerColumns, threshold: float, room: int) -> list[Part]:
    peaks = [layer.median] * room
    for column, peak in zip(layer.columns, layer.peaks, strict=True):
        at = column * room // layer.width
        peaks[at] = max(peaks[at], peak)
    cells = [_cell(peak, threshold, layer.median) for peak in peaks]
    outliers = count_outliers(layer, threshold)
    taken = "" if layer.taken is None else f"  int8 took {len(layer.taken)}"
    style = OUTLIER if outliers else MUTED
    return [(f"{short_name(layer.name):<{NAME_WIDTH}}", MUTED), *merged(cells), (f" {outliers:>3}{taken}", style)]


def _cell(peak: float, threshold: float, median: float) -> Part:
    """The shade is powers of two above the layer's own median; the colour says which side of the threshold."""
    steps = log2(peak / median) if median > 0 and peak > 0 else 0.0
    shade = SHADES[min(len(SHADES) - 1, max(0, round(steps)))]
    if threshold and peak >= threshold:
        return SHADES[-1], OUTLIER
    return shade, LARGE if threshold and peak >= threshold / 2 else MUTED


def lowest_known(layers: Sequence[LayerColumns]) -> float:
    """Below this threshold some outliers may be missing: only the largest columns are reported."""
    return max((layer.peaks[-1] for layer in layers if len(layer.peaks) < layer.width), default=0.0)
