"""Picks, loads and cancels models from the Playground screen."""

from __future__ import annotations

from pathlib import Path

from playground import paths
from playground.tui.screens.base import BaseScreen
from playground.tui.widgets.notice import Notice


class ModelLoads:
    """`folders` are where the picker looks for checkpoints."""

    def __init__(self, screen: BaseScreen, folders: list[Path]) -> None:
        self._screen, self._folders = screen, folders

    @property
    def wanted(self) -> bool:
        """Whether there is no model and none being loaded."""
        state = self._screen.state
        return not (state.facts or state.model.loading or state.model.exited or state.replaying)

    def pick(self) -> None:
        """Let the user choose."""
        from playground.tui.screens.overlays.model_picker import ModelPicker

        self._screen.app.push_screen(ModelPicker(self._folders), lambda model: self.load(model) if model else None)

    def load(self, model: str = "") -> None:
        """Load a checkpoint, by default the bundled one; on a server, the model of the command line."""
        notice = self._screen.query_one(Notice)
        notice.quiet()
        session, engine = self._screen.session, self._screen.state.capabilities.engine
        if engine != "openai" and paths.is_missing(model):
            notice.say(f"there is no {model}", "check the spelling, or name a hub id such as owner/model", bad=True)
            return
        own = session.asked.model if engine == "openai" else str(paths.bundled_model())
        self._screen.run_worker(session.load(model or own))

    def cancel(self) -> None:
        """Cancel the current load or conversion."""
        self._screen.run_worker(self._screen.session.bridge.cancel_load())
