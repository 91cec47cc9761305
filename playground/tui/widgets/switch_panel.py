"""The switch panel: what the value under the cursor would do, and what the last switch did here."""

from __future__ import annotations

from typing import Any

from textual.content import Content
from textual.widget import Widget

from playground.text.plain import one_line
from playground.tui.speed import draft_text
from playground.tui.state.state import State
from playground.tui.styles import MUTED
from playground.tui.toggles import switch_text
from playground.tui.toggles.rows import Candidate

USUAL_WIDTH = 44


class SwitchPanel(Widget):
    """The selected value first, then the last switch, then drafts."""

    DEFAULT_CSS = """
    SwitchPanel { height: auto; min-height: 3; background: $surface; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._lines: list[Content] = [Content()]

    def show(self, state: State, candidate: Candidate | None, hint: str) -> None:
        """Redraw if anything changed; `hint` is shown if there is nothing else."""
        roomy = self.screen.has_class("-tall")
        lines = switch_lines(state, candidate, self.size.width or USUAL_WIDTH, hint, roomy)
        if lines != self._lines:
            height, self._lines = len(self._lines), lines
            self.refresh(layout=len(lines) != height)

    def render(self) -> Content:
        return Content("\n").join(self._lines)


def switch_lines(
    state: State, candidate: Candidate | None, width: int, hint: str, roomy: bool = False
) -> list[Content]:
    """The candidate's expected effects, if there is one; the last switch's measurements if there is none or the panel
    is `roomy`; and figures of drafts."""
    lines = [] if candidate is None else _next(state, candidate, width)
    if (switch := state.toggles.switch) and (roomy or not lines):
        effect = switch_text.measured(switch, bool(state.requests.unfinished), width)
        lines += [*([Content()] if lines else []), Content.styled("Last switch", "bold")]
        lines += [*switch_text.changes(switch, width), *effect]
    drafts = draft_text.speculation(state.toggles.drafts, state.toggles.requested.speculation, width)
    lines += [Content(), *drafts] if lines and drafts else drafts
    return lines or [Content.styled("Switch", "bold"), *Content.styled(hint, MUTED).wrap(width)]


def _next(state: State, candidate: Candidate, width: int) -> list[Content]:
    title = Content.assemble(("Next switch  ", "bold"), f"{candidate.name} ▸ {one_line(candidate.value, 40)}")
    if candidate.reason:
        reason = Content.assemble(("not possible: ", "$error"), (one_line(candidate.reason, 200), MUTED))
        return [title, *reason.wrap(width)]
    effects = switch_text.expected(candidate.forecast)
    return [title, *switch_text.cost(state, candidate).wrap(width), *effects.wrap(width)]
