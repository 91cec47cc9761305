"""Weights against KV cache over the length of the context, stacked, and what a budget of KV holds by dtype. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from math import log2

from playground.protocol.events import ModelFacts
from playground.telemetry.kv_size import capacity, crossing, token_bytes
from playground.tui import numbers
from playground.tui.scatter_grid import DIM, Part, merged

KINDS = ("model", "fp8", "int8", "int4", "int2")
WEIGHTS, KV = "$meaning-prefill", "$meaning-decode"
SHORTEST = 128
EIGHTHS = " ▁▂▃▄▅▆▇█"


def draw_stack(
    facts: ModelFacts, weights: int, kv_cache: str, block_size: int, requests: int, width: int, height: int
) -> list[list[Part]]:
    """A column per length, logarithmic up to the model's context: weights below, KV of `requests` above."""
    rows, gutter = height - 2, 10
    columns = width - gutter - 1
    if rows < 3 or columns < 16:
        return []
    lengths = [SHORTEST * 2 ** (at / (columns - 1) * log2(max(2, facts.context / SHORTEST))) for at in range(columns)]
    each = token_bytes(facts, kv_cache, block_size) * requests
    most = weights + each * lengths[-1]
    meets = crossing(facts, kv_cache, block_size, weights, requests)
    lines: list[list[Part]] = []
    for row in range(rows):
        low, high = most * (rows - row - 1) / rows, most * (rows - row) / rows
        cells = [_cell(low, high, weights, weights + each * length) for length in lengths]
        tick = numbers.size(high) if row == 0 else numbers.size(weights) if low <= weights < high else ""
        lines.append([(f"{tick:>{gutter}}│", DIM), *merged(cells)])
    lines.append([(f"{'':>{gutter}}└{_axis(lengths, meets)}", DIM)])
    lines.append([(f"{'':>{gutter + 1}}{_ruler(lengths, meets)}", DIM)])
    return lines


def described(facts: ModelFacts, weights: int, kv_cache: str, block_size: int, requests: int, limit: int | None) -> str:
    """Where KV overtakes the weights, and where the device ends, in words."""
    meets = crossing(facts, kv_cache, block_size, weights, requests)
    each = token_bytes(facts, kv_cache, block_size) * requests
    line = f"{requests} request{'' if requests == 1 else 's'}, KV {kv_cache}: {numbers.size(each)} a token"
    if meets:
        past = "" if meets <= facts.context else ", past the context"
        line = f"KV overtakes the weights at {numbers.count(meets)} tokens{past}; {line}"
    if limit and each:
        line += f"; the device ends at {numbers.count(int((limit - weights) / each))}"
    return line


def capacity_table(
    facts: ModelFacts, block_size: int, budget: int, now: str, measured: Mapping[str, float]
) -> list[list[Part]]:
    """A line a dtype: bytes of a token, tokens and whole contexts that the budget holds, as computed; and what a token
    was `measured` to weigh while that dtype was live."""
    lines: list[list[Part]] = [
        [(f"{'KV cache':9}{'a token':>10}{'tokens':>12}{'full contexts':>15}{'measured':>12}", DIM)]
    ]
    for kind in KINDS:
        held = capacity(facts, kind, block_size, budget)
        seen = numbers.size(measured[kind]) if kind in measured else "–"
        text = (
            f"{kind:9}{numbers.size(held.token_bytes):>10}{numbers.count(held.tokens):>12}{held.requests:>15}{seen:>12}"
        )
        lines.append([(text, "bold" if kind == now else "")])
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
