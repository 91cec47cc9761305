"""The model and options the suites would use, shown below the suite list."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from playground.session.history.run import Run, non_defaults
from playground.text.plain import one_line
from playground.tui.history.columns import options
from playground.tui.state.state import State

LABEL = "$meaning-waiting"
TWO_MODELS = "A suite runs on an engine of its own: while it runs, two copies of the model are in memory."


class SuiteTerms(Static):
    """The model and the options of screen 1."""

    DEFAULT_CSS = """
    SuiteTerms { padding: 1 2; background: $surface; }
    """

    def show(self, state: State) -> None:
        """Show the model and the options as they are now."""
        asked = Run(at=0.0, kind="", model="", options=non_defaults(state.requested))
        model = one_line(state.facts.name, 30) if state.facts else "no model"
        self.update(
            Content.assemble(
                ("model    ", LABEL), model, "\n", ("options  ", LABEL), options(asked), "\n\n", (TWO_MODELS, LABEL)
            )
        )
