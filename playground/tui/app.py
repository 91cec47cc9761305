"""The app: themes, screens, and the life of the engine's client. Everything else stands with its screen."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterable
from typing import ClassVar

from textual.app import App
from textual.command import Provider
from textual.theme import Theme

from playground import paths
from playground.config import Settings
from playground.preset import Preset
from playground.protocol.commands import LoadModel, SamplingParams
from playground.protocol.options import EngineOptions
from playground.session.recorder import Recorder
from playground.session.recording import Entry
from playground.tui.bridge import Bridge
from playground.tui.palette import ActionProvider
from playground.tui.screens.batching import BatchingScreen
from playground.tui.screens.playground import PlaygroundScreen
from playground.tui.session import Session
from playground.tui.themes import load_themes


class PlaygroundApp(App[None]):
    """`model` None means the bundled one. With `replay`, its entries are played at `speed` and no engine is started."""

    TITLE = "playground"
    COMMANDS: ClassVar[set[type[Provider]]] = {ActionProvider}
    DEFAULT_MODE = "playground"
    CSS_PATH = "app.tcss"

    def __init__(
        self,
        *,
        engine: str,
        model: str | None = None,
        options: EngineOptions | None = None,
        preset: Preset | None = None,
        theme: str | None = None,
        recorder: Recorder | None = None,
        replay: Iterable[Entry] | None = None,
        speed: float = 1.0,
        settings: Settings | None = None,
        trust_remote_code: bool = False,
    ) -> None:
        super().__init__()
        settings = settings or Settings()
        self._add_themes(theme or settings.theme)
        log = paths.log_folder() / f"engine-{os.getpid()}.log"
        self.bridge = Bridge(engine, log, recorder=recorder, replay=replay, speed=speed)
        self._load = LoadModel(
            model=model or ("scripted" if engine == "scripted" else str(paths.bundled_model())),
            options=options or EngineOptions(),
            trust_remote_code=trust_remote_code,
        )
        sampling = preset.sampling if preset else SamplingParams()
        self.session = Session(self.bridge, self._load.options, sampling, trust_remote_code=trust_remote_code)
        self.add_mode("playground", lambda: PlaygroundScreen(self.session, preset, settings.model_paths()))
        self.add_mode("batching", lambda: BatchingScreen(self.session))

    async def on_mount(self) -> None:
        """Start the engine and load at once; the first frame does not wait for either."""
        self.run_worker(self._start(), name="engine")

    async def on_unmount(self) -> None:
        """No process of ours stays behind."""
        await self.bridge.stop()

    async def _start(self) -> None:
        await self.bridge.start()
        gc.freeze()  # widgets and modules stay: looking through them again held keys up for 50 ms at a time
        if not self.bridge.state.replaying:
            self.bridge.send(self._load)

    def _add_themes(self, name: str) -> None:
        """Ours in place of Textual's, so that every theme says what its colours mean."""
        themes, self.theme_errors = load_themes()
        for theme in themes:
            self.register_theme(theme)
        for builtin in set(self.available_themes) - {theme.name for theme in themes}:
            self.unregister_theme(builtin)
        self.theme = _named(themes, name)


def _named(themes: list[Theme], name: str) -> str:
    return name if name in {theme.name for theme in themes} else themes[0].name
