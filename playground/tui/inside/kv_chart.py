"""Weights and KV cache stacked over the length of the context, and what a budget of KV holds by dtype. Pure."""

from __future__ import annotations

from math import log2

from playground.protocol.model_facts import ModelFacts
from playground.protocol.options import TOGGLES
from playground.telemetry.kv_size import capacity, crossing, fitting, token_bytes
from playground.text import numbers
from playground.text.sizes import format_bytes
from playground.text.sparkline import BARS
from playground.tui.plots.scatter_grid import Part, merged
from playground.tui.state.inside import InsideState
from playground.tui.state.kv_capacity import Pool, trial_shape
from playground.tui.styles import MUTED

WEIGHTS, KV = "$meaning-prefill", "$meaning-decode"
SHORTEST, WIDE = 128, 72
EIGHTHS = " " + BARS


def draw_stack(
    facts: ModelFacts, weights: int, kv_cache: str, block_size: int, requests: int, width: int, height: int
) -> list[list[Part]]:
    """A column per length, logarithmic up to the model's context: weights below, KV of `requests` above."""
    rows, gutter = height - 3, 10
    columns = width - gutter - 1
    if rows < 2 or columns < 16:
        return []
    lengths = [SHORTEST * 2 ** (at / (columns - 1) * log2(max(2, facts.context / SHORTEST))) for at in range(columns)]
    each = token_bytes(facts, kv_cache, block_size) * requests
    most = weights + each * lengths[-1]
    meets = crossing(facts, kv_cache, block_size, weights, requests)
    lines: list[list[Part]] = []
    for row in range(rows):
        low, high = most * (rows - row - 1) / rows, most * (rows - row) / rows
        cells = [_cell(low, high, weights, weights + each * length) for length in lengths]
        tick = format_bytes(high) if row == 0 else format_bytes(weights) if low <= weights < high else ""
        lines.append([(f"{tick:>{gutter}}│", MUTED), *merged(cells)])
    lines.append([(f"{'':>{gutter}}└{_axis(lengths, meets)}", MUTED)])
    lines.append([(f"{'':>{gutter + 1}}{_ruler(lengths, meets)}", MUTED)])
    holders = "1 request" if requests == 1 else f"{requests} requests"
    legend: list[Part] = [("█", WEIGHTS), (" weights  ", MUTED), ("▓", KV), (f" KV of {holders}", MUTED)]
    return [*lines, [(" " * (gutter + 1), ""), *legend]]


def described(facts: ModelFacts, weights: int, kv_cache: str, block_size: int, requests: int, limit: int | None) -> str:
    """A line saying where KV overtakes the weights, and where the device is full."""
    meets = crossing(facts, kv_cache, block_size, weights, requests)
    each = token_bytes(facts, kv_cache, block_size) * requests
    of_each = "" if requests == 1 else f" in each of {requests} requests"
    line = f"{format_bytes(each)} a token{of_each}"
    if meets:
        past = "" if meets <= facts.context else ", past the context"
        line = f"KV overtakes the weights at {numbers.count(meets)} tokens{of_each}{past}"
    if limit and each:
        line += f"; the device ends at {numbers.count(int((limit - weights) / each))} tokens"
    return line


def capacity_table(
    facts: ModelFacts, block_size: int, pool: Pool, now: str, inside: InsideState, width: int
) -> list[list[Part]]:
    """A line per dtype, computed and measured: bytes of a token, tokens that the engine allotted in the bytes of the
    `pool`, and requests that ran together in a part of them; if there is room, whole contexts in all of them."""
    tokens, part = trial_shape(facts, pool)
    wide = width >= WIDE
    head = f"{'KV':6}{'computed':>9}{'held':>9}{'computed':>10}{'allotted':>10}{'comp.':>7}{'ran':>5}"
    lines: list[list[Part]] = [
        [(f"{'':6}{'a token':>18}{'tokens that fit':>20}{'requests':>12}", MUTED)],
        [(f"{head}{'full contexts':>16}" if wide else head, MUTED)],
    ]
    for kind in TOGGLES["kv_cache"].values:
        held = capacity(facts, kind, block_size, pool.bytes, pool.slots)
        allotted, result = inside.kv.pools.get(kind), inside.kv.results.get(kind)
        ran = result.concurrent if result else 0
        text = (
            f"{kind:6}{format_bytes(held.token_bytes):>9}{format_bytes(inside.token_bytes.get(kind)):>9}"
            f"{numbers.count(held.tokens):>10}{numbers.count(allotted.tokens if allotted else None):>10}"
            f"{fitting(facts, kind, block_size, part, tokens):>7}{ran or numbers.UNKNOWN:>5}"
        )
        text += f"{held.requests:>16}" if wide else ""
        lines.append([(text, "bold" if kind == now else "")])
    shares = f"{format_bytes(part)} of {format_bytes(pool.bytes)}"
    lines.append([(f"k runs requests of {tokens} together in {shares}", MUTED)])
    return lines


def _cell(low: float, high: float, weights: float, top: float) -> Part:
    if high <= weights:
        return "█", WEIGHTS
    if low < weights and (eighths := round((weights - low) / (high - low) * 8)):
        return EIGHTHS[eighths], WEIGHTS
    if top >= high:
        return "▓", KV
    return ("▒", KV) if top > low else (" ", "")


def _axis(lengths: list[float], meets: int | None) -> str:
    marks = ["─"] * len(lengths)
    at = _at(lengths, meets)
    if at is not None:
        marks[at] = "┴"
    return "".join(marks)


def _at(lengths: list[float], meets: int | None) -> int | None:
    return next((at for at, length in enumerate(lengths) if meets and length >= meets), None)


def _ruler(lengths: list[float], meets: int | None) -> str:
    line = [" "] * len(lengths)
    left, right = numbers.count(round(lengths[0])), f"{numbers.count(round(lengths[-1]))} tokens"
    line[: len(left)] = left
    line[len(line) - len(right) :] = right
    at = _at(lengths, meets)
    if at is not None:
        text = f"KV > weights {numbers.count(meets)}"
        start = min(max(len(left) + 2, at - len(text) // 2), len(line) - len(right) - len(text) - 2)
        if start > len(left):
            line[start : start + len(text)] = text
    return "".join(line)
