"""The first line: the model and its device, the status, running and waiting requests."""

from __future__ import annotations

from collections.abc import Iterator

from textual.content import Content
from textual.widget import Widget

from playground.paths import model_name
from playground.session.verified import UNVERIFIED, verified
from playground.text import numbers
from playground.text.plain import one_line
from playground.tui.letters import Letters
from playground.tui.state.state import State
from playground.tui.styles import MUTED
from playground.tui.widgets.fitting import spread

COLOURS = {"idle": MUTED, "loading": "$meaning-held", "running": "$success", "failed": "$error"}
PROGRAM = "playground"
MOST_LETTERS = 8
LEAST_NAME = 16
WORDS = 70
GAP = 2


class StatusLine(Widget):
    """Shows the same things in the same order at all times."""

    DEFAULT_CSS = """
    StatusLine { height: 1; dock: top; background: $panel; padding: 0 1; }
    """

    def __init__(self, letters: Letters) -> None:
        super().__init__()
        self._letters = letters
        self._model, self._facts, self._right = "", Content(), Content()

    def show(self, state: State) -> None:
        """Redraw if anything changed."""
        shown = _name(state), _described(state), _right(state, self._letters)
        if shown != (self._model, self._facts, self._right):
            self._model, self._facts, self._right = shown
            self.refresh()

    def render(self) -> Content:
        room = max(0, self.size.width - self._right.cell_length - GAP)  # the status is never cut
        others = len(PROGRAM) + GAP + self._facts.cell_length
        name = one_line(self._model, max(LEAST_NAME, room - others))
        style = "bold" if self._facts else ""
        left = Content.assemble((PROGRAM, "bold $accent"), (f"{'':{GAP}}{name}", style), self._facts)
        left = left if left.cell_length <= room else left.truncate(room, ellipsis=True)
        return spread(left, self._right, self.size.width)


def _name(state: State) -> str:
    """The name of the model, or of the one that is being loaded."""
    loading = state.model.loading
    return state.facts.name if state.facts else model_name(loading.model) if loading else "no model"


def _described(state: State) -> Content:
    """What follows the name of a loaded model."""
    if (facts := state.facts) is None:
        return Content()
    parts = [_parameters(facts.parameters), one_line(facts.dtype), one_line(facts.device)]
    described = "  ".join(part for part in parts if part)
    return Content.assemble((f"  {described}", MUTED), *_verified(state))


def _verified(state: State) -> Iterator[tuple[str, str]]:
    """Whether the first answers since the start match the checkpoint's, if the engine compares them."""
    if words := verified(state.toggles.effective):
        colour = "$warning" if words.startswith(UNVERIFIED) else "$success"
        yield f"  {one_line(words, WORDS)}", colour


def _right(state: State, letters: Letters) -> Content:
    marks = []
    if state.replaying:
        marks.append(("REPLAY  ", "bold $warning"))
    if state.recording:
        marks.append(("REC  ", "bold $error"))
    running = [request.request_id for request in state.requests.running]
    waiting = len(state.requests.unfinished) - len(running)
    named = [(f"{letters[each].text} ", f"bold $request-{letters[each].colour}") for each in running[:MOST_LETTERS]]
    queue = f"   {waiting} waiting" if waiting or state.status == "running" else ""
    return Content.assemble(*marks, *named, (state.status, f"bold {COLOURS[state.status]}"), (queue, MUTED))


def _parameters(count: int) -> str:
    """A number of parameters: 6.1 M, 1.24 B."""
    if not count:
        return ""
    return f"{numbers.significant(count / 1e9)} B" if count >= 1e9 else f"{numbers.significant(count / 1e6)} M"
