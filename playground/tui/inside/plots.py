"""Measurements of the Inside screen as curves: attention over length, and steps under the roofline. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from playground.protocol.measurements import AttentionPoint, Ceilings
from playground.protocol.model_facts import ModelFacts
from playground.protocol.steps import Step
from playground.telemetry.roofline import reachable, ridge, roofline_point, step_cost
from playground.text import numbers
from playground.text.sizes import format_bytes
from playground.tui.plots.curve_grid import Curve, draw_curves
from playground.tui.plots.scatter_grid import Axis, Part

MARKS = {
    "eager": ("e", "$meaning-preempted"),
    "sdpa-math": ("m", "$meaning-held"),
    "sdpa-flash": ("f", "$meaning-decode"),
}
LENGTH = Axis("tokens", lambda value: numbers.count(round(value)))
TIME = Axis("seconds a call, prefill", numbers.seconds)
MEMORY = Axis("memory of a call, prefill", format_bytes)
LEGEND = "e eager  m math  f flash"
LEAST_HEIGHT = 14
ROOF_POINTS = 24
STEPS = "p prefill  d decode  ● newest step"


def _per_second(unit: str, value: float) -> str:
    for prefix, scale in (("T", 1e12), ("G", 1e9), ("M", 1e6)):
        if value >= scale:
            return f"{numbers.significant(value / scale)} {prefix}{unit}"
    return f"{numbers.significant(value)} {unit}"


flops = partial(_per_second, "FLOP/s")
INTENSITY = Axis("FLOPs a byte", numbers.significant)
SPEED = Axis("FLOP/s", flops)


def draw_attention(points: Sequence[AttentionPoint], width: int, height: int) -> list[list[Part]]:
    """Time over length, and memory below it if there is room."""
    upper = height if height < LEAST_HEIGHT else height // 2
    lines = draw_curves(_curves(points, lambda point: point.seconds), LENGTH, TIME, width, upper)
    if upper < height:
        memory = _curves(points, lambda point: point.peak_bytes or 0)
        lines += draw_curves(memory, LENGTH, MEMORY, width, height - upper)
    return lines


def described_attention(points: Sequence[AttentionPoint]) -> str:
    """Flash against eager at the longest length that both ran."""
    by_kernel = {
        (point.kernel, point.length): point for point in points if point.phase == "prefill" and not point.fault
    }
    common = [length for kernel, length in by_kernel if kernel == "eager" and ("sdpa-flash", length) in by_kernel]
    if not common:
        return LEGEND if points else ""
    eager, flash = by_kernel["eager", max(common)], by_kernel["sdpa-flash", max(common)]
    line = f"flash {numbers.significant(eager.seconds / flash.seconds)}x faster"
    if eager.peak_bytes and flash.peak_bytes:
        line += f", {numbers.significant(eager.peak_bytes / flash.peak_bytes)}x less memory"
    return f"{line} at {numbers.count(max(common))} tokens; {LEGEND}"


def draw_roofline(
    ceilings: Ceilings, trail: Sequence[Step], facts: ModelFacts, block_size: int, weights: int, width: int, height: int
) -> list[list[Part]]:
    """The roof, and a point for each of the newest steps; the newest is marked ●."""
    meet = ridge(ceilings)
    costs = [(step, step_cost(step, facts, block_size, weights)) for step in trail]
    known = [(step, each) for step, cost in costs if (each := roofline_point(cost, step.seconds, ceilings))]
    low = min([meet / 64, *(each.intensity / 2 for _, each in known)])
    roof = [low * (meet * 16 / low) ** (at / (ROOF_POINTS - 1)) for at in range(ROOF_POINTS)]
    curves = [Curve([(at, reachable(ceilings, at)) for at in roof], "─", "$accent")]
    for phase, mark, style in (("prefill", "p", "$meaning-prefill"), ("decode", "d", "$meaning-decode")):
        mine = [each for step, each in known[:-1] if _phase(step) == phase]
        curves.append(Curve([(each.intensity, each.flops_per_second) for each in mine], mark, style, joined=False))
    if known:
        newest = known[-1][1]
        curves.append(Curve([(newest.intensity, newest.flops_per_second)], "●", "bold $accent", joined=False))
    return draw_curves(curves, INTENSITY, SPEED, width, height)


def described_roofline(
    ceilings: Ceilings, trail: Sequence[Step], facts: ModelFacts, block_size: int, weights: int
) -> str:
    """A line about the newest step against the roof."""
    line = f"copy {_per_second('B/s', ceilings.bytes_per_second)}, product {flops(ceilings.flops_per_second)}"
    step = trail[-1] if trail else None
    newest = roofline_point(step_cost(step, facts, block_size, weights), step.seconds, ceilings) if step else None
    if newest:
        bound = "memory" if newest.memory_bound else "compute"
        line = f"last step {numbers.percent(newest.share)} of the roof, {bound} bound; {line}"
    return f"{line}; {STEPS}" if trail else line


def _phase(step: Step) -> str:
    return "prefill" if any(work.phase == "prefill" for work in step.slots) else "decode"


def _curves(points: Sequence[AttentionPoint], value: Callable[[AttentionPoint], float]) -> list[Curve]:
    curves = []
    for kernel, (mark, style) in MARKS.items():
        mine = [point for point in points if point.kernel == kernel and point.phase == "prefill" and not point.fault]
        pairs = [(float(point.length), float(value(point))) for point in sorted(mine, key=lambda point: point.length)]
        pairs = [(x, y) for x, y in pairs if y > 0]
        if pairs:
            curves.append(Curve(pairs, mark, style))
    return curves
