"""Lines about speculation: accepted drafts, by position, and whether drafting pays."""

from __future__ import annotations

from textual.content import Content

from playground.text import numbers
from playground.text.plain import one_line
from playground.tui.state.draft_meter import BreakEven, DraftMeter
from playground.tui.styles import MUTED

MOST_PLACES = 6


def speculation(meter: DraftMeter, requested: str, width: int) -> list[Content]:
    """The lines; while it is off, only whether it would pay, if that was measured."""
    title = Content.assemble(("Speculation  ", "bold"), one_line(requested, 20))
    if requested == "off":
        return [title, *_verdict(found, requested).wrap(width)] if (found := meter.break_even) else []
    if not meter.counts.proposed:
        return [title, *Content.styled("no tokens came up again yet, so none were drafted", MUTED).wrap(width)]
    proposed, accepted = sum(meter.counts.proposed), sum(meter.counts.accepted)
    places = [numbers.percent(share).removesuffix(" %") for share in meter.counts.by_position[:MOST_PLACES]]
    return [
        title,
        Content.assemble(
            (f"{numbers.count(accepted)} accepted", "$meaning-draft"),
            f"  {numbers.count(proposed - accepted)} rejected",
            (f"  {numbers.percent(meter.counts.share)}", MUTED),
        ),
        Content.assemble(("by position  ", MUTED), f"{'  '.join(places)} %"),
        *_verdict(meter.break_even, requested).wrap(width),
    ]


def _verdict(found: BreakEven | None, requested: str) -> Content:
    if found is None:
        return Content.styled("whether it pays: too few plain and drafted steps yet", MUTED)
    off = requested == "off"
    words = f"pays from {found.cost:.2f} tokens a step, {'had' if off else 'has'} {found.tokens:.2f}"
    rows = (f", {found.rows} at a time", MUTED) if found.rows > 1 else ("", MUTED)
    if found.pays:
        return Content.assemble((words, "$success"), rows)
    advice = "; off is right here" if off else "; turn it off: speculate off"
    return Content.assemble((words, "$error"), rows, (advice, "$warning"))
