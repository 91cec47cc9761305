"""Picks, loads and cancels models from the Playground screen."""

from __future__ import annotations

from collections.abc import Callable
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

    @property
    def on_server(self) -> bool:
        """Whether models are a server's."""
        return self._screen.state.capabilities.engine == "openai"

    def load(self, model: str = "", then: Callable[[], None] = lambda: None) -> None:
        """Load a checkpoint, by default the bundled one; on a server, the model of the command line. `then` is called
        once the load has begun."""
        notice = self._screen.query_one(Notice)
        notice.quiet()
        session = self._screen.session
        if not self.on_server and paths.is_missing(model):
            notice.say(f"there is no {model}", paths.SPELLING, bad=True)
            return
        own = session.asked.model if self.on_server else str(paths.bundled_model())

        async def load() -> None:
            await session.load(model or own)
            then()

        self._screen.run_worker(load())

    def cancel(self) -> None:
        """Cancel the current load or conversion."""
        self._screen.run_worker(self._screen.session.bridge.cancel_load())
