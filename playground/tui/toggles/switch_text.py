"""Texts about a switch: its cost and expected effects before it, what was measured here after it."""

from __future__ import annotations

from textual.content import Content

from playground.text import numbers
from playground.text.plain import one_line
from playground.text.sizes import format_memory
from playground.tui.state.decode_meter import Rate
from playground.tui.state.state import State
from playground.tui.state.switch import Switch
from playground.tui.styles import MUTED
from playground.tui.toggles.forecast import Forecast
from playground.tui.toggles.rows import COSTS, Candidate

FIGURES = ("memory", "ttft", "tps", "quality")
# Contexts that differ by no more tokens are comparable.
OTHER_CONTEXT = 256
MORE_IS_BETTER = ("tps", "quality")
NAMES = {"memory": "memory", "ttft": "TTFT", "tps": "TPS", "quality": "quality"}


def cost(state: State, candidate: Candidate) -> Content:
    """When and how a value takes effect."""
    words = COSTS[candidate.cost]
    if candidate.cost == "cache" and state.requests.unfinished and state.last_step and state.last_step.blocks_used:
        words = f"converts {numbers.count(state.last_step.blocks_used)} blocks, requests go on"
    if candidate.seconds is not None:
        words = f"{words}; {numbers.seconds(candidate.seconds)} here so far"
    return Content.assemble((f"{candidate.cost}: ", "bold"), (words, MUTED))


def expected(forecast: Forecast | None) -> Content:
    """The signs of the effects against what runs: ▲ more, ▼ less, = the same; green is better, red is worse. Of KV the
    ratio is known."""
    if forecast is None:
        return Content.styled("no forecast: it depends on what runs, and is measured", MUTED)
    figures = [_sign(figure, getattr(forecast.effects, figure)) for figure in FIGURES]
    if factor := forecast.kv_factor:
        ratio = f"▲ {factor:.2f}x" if factor > 1 else f"▼ {1 / factor:.2f}x" if factor < 1 else "="
        figures[0] = Content.assemble(("KV ", MUTED), (ratio, _colour("memory", factor - 1)))
    return Content("  ").join(figures)


def _sign(figure: str, sign: int) -> Content:
    if not sign:
        return Content.assemble((f"{NAMES[figure]} =", MUTED))
    arrow = ("▲" if sign > 0 else "▼") * abs(sign)
    return Content.assemble((f"{NAMES[figure]} ", MUTED), (arrow, _colour(figure, sign)))


def _colour(figure: str, change: float) -> str:
    better = (change > 0) == (figure in MORE_IS_BETTER)
    return "$success" if better else "$error"


def changes(switch: Switch, width: int) -> list[Content]:
    """Which toggles went from what to what, and how long it took."""
    words = "  ".join(f"{name} {before} ▸ {now}" for name, before, now in switch.changes)
    words = words or "  ".join(switch.applied.changed)
    taken = Content.styled(f"in {numbers.seconds(switch.applied.seconds)}", MUTED)
    return _beside(Content(one_line(words, 120)), taken, width)


def measured(switch: Switch, running: bool, width: int) -> list[Content]:
    """What the switch did here: bytes before and after, and TPS with its spread. `running`: requests go on, so that
    what is not known yet may come."""
    if switch.idle:
        return [Content.styled("nothing changes: it ran so already", MUTED)]
    before, after = switch.applied.before, switch.applied.after
    pairs = [("weights", before.weights, after.weights)]
    if after.kv_used:  # zero if what runs is about to be computed again
        pairs.append(("KV", before.kv_used, after.kv_used))
    lines = [_bytes(label, was, now, width) for label, was, now in pairs if was != now]
    return [*lines, *_tps(switch, running, width)]


def _beside(left: Content, right: Content, width: int) -> list[Content]:
    """In one line, or below each other if they do not fit into it."""
    one = Content.assemble(left, "  ", right)
    return [one] if one.cell_length <= width else [left, *right.wrap(width)]


def _bytes(label: str, was: int, now: int, width: int) -> Content:
    """Before, after and their ratio; without room for all, the ratio and what is left."""
    named, after = Content.styled(f"{label:<8}", MUTED), f"▸ {format_memory(now)}"
    factor = (_factor(was, now) if was and now else "", "$success" if now < was else "$error")
    full = Content.assemble(named, f"{format_memory(was)} {after}  ", factor).rstrip()
    return full if full.cell_length <= width else Content.assemble(named, factor, f" {after}")


def _factor(was: int, now: int) -> str:
    return f"▼ {was / now:.2f}x" if now < was else f"▲ {now / was:.2f}x"


def _tps(switch: Switch, running: bool, width: int) -> list[Content]:
    before, after = switch.rates
    was, now = (numbers.significant(rate.tps if rate else None) for rate in (before, after))
    line = Content.assemble(("TPS     ", MUTED), f"{was} ▸ {now}")
    if before is None:
        return _beside(line, Content.styled("too few tokens before", MUTED), width)
    if after is None:
        left = f"{switch.after.steps_missing} more steps" if running else "too few tokens after"
        return _beside(line, Content.styled(left, MUTED), width)
    share, spread = (after.tps - before.tps) / before.tps, (before.spread + after.spread) / before.tps
    rows = f", {after.rows} at a time" if after.rows == before.rows > 1 else ""
    others = "" if after.requests <= before.requests else ", another request"
    noise = f"±{spread * 100:.0f} %, n {before.tokens} and {after.tokens}{rows}{others}"
    indent = " " * min(8, max(0, width - len(noise)))
    verdict = Content.assemble(_verdict(before, after, share, spread))
    return [*_beside(line, verdict, width), *Content.styled(f"{indent}{noise}", MUTED).wrap(width)]


def _verdict(before: Rate, after: Rate, share: float, spread: float) -> tuple[str, str]:
    """The change of TPS; no verdict if other numbers of requests or contexts explain it."""
    if before.rows != after.rows:
        return f"? {before.rows} ▸ {after.rows} at a time", "$warning"
    less, more = sorted(rate.context for rate in (before, after))
    if more - less > OTHER_CONTEXT and more > 1.5 * less:
        contexts = " ▸ ".join(numbers.count(round(rate.context)) for rate in (before, after))
        return f"? context {contexts}", "$warning"
    if abs(share) <= spread:
        return "= within the spread", MUTED
    return f"{'▲' if share > 0 else '▼'} {abs(share) * 100:.0f} %", "$success" if share > 0 else "$error"
