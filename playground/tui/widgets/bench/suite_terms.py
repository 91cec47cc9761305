"""The model and options that suites run with, shown below the suite list."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from playground.session.history.run import Run, non_defaults
from playground.text.plain import one_line
from playground.tui.history.columns import options
from playground.tui.state.state import State
from playground.tui.styles import MUTED

TWO_MODELS = "A suite runs on an engine of its own: while it runs, two copies of the model are in memory."
SERVER_SHARED = "A suite asks the same server: what others ask of it meanwhile counts in its times."


class SuiteTerms(Static):
    """The model and the options of the Playground screen."""

    DEFAULT_CSS = """
    SuiteTerms { padding: 1 2; background: $surface; }
    """

    def show(self, state: State) -> None:
        """Show the current model and options."""
        asked = Run(at=0.0, kind="", model="", options=non_defaults(state.toggles.requested))
        model = one_line(state.facts.name, 30) if state.facts else "no model"
        where = SERVER_SHARED if state.capabilities.engine == "openai" else TWO_MODELS
        self.update(
            Content.assemble(
                ("model    ", MUTED), model, "\n", ("options  ", MUTED), options(asked), "\n\n", (where, MUTED)
            )
        )
