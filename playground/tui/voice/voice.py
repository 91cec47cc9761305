"""What a user may ask of speech: talk, be quiet, transcribe a file, choose a microphone and a recogniser."""

from __future__ import annotations

from itertools import count
from pathlib import Path

from playground import paths
from playground.config import SpeechSettings
from playground.protocol.commands import Abort, ListInputs, StartListening, StopListening, Transcribe
from playground.protocol.speech import SpeechOptions
from playground.tui.session import NotNow
from playground.tui.state.state import State
from playground.tui.voice.bridge import SpeechBridge


class Voice:
    """`input` and `options` hold from the next time on. Methods raise `NotNow`."""

    def __init__(self, bridge: SpeechBridge, state: State, settings: SpeechSettings) -> None:
        self.bridge, self._state, self._settings = bridge, state, settings
        self.input = settings.input
        self.model = settings.model or str(paths.bundled_model(paths.BUNDLED_RECOGNISER))
        self._numbers = count(1)

    @property
    def options(self) -> SpeechOptions:
        """What is asked of the recogniser."""
        settings = self._settings
        return SpeechOptions(
            model=self.model, compute_type=settings.compute_type, language=settings.language, beam=settings.beam
        )

    async def toggle(self) -> None:
        """Open the microphone, or close it and take what was said."""
        self._require_live()
        if self._state.voice.open:
            await self.bridge.send(StopListening())
            return
        self._require_idle()
        command = StartListening(
            key=f"voice{next(self._numbers)}", options=self.options, input=self.input, keep_audio=self._kept()
        )
        await self.bridge.send(command)

    async def transcribe(self, path: Path) -> None:
        """The text of a sound file."""
        self._require_live()
        self._require_idle()
        await self.bridge.send(Transcribe(key=f"voice{next(self._numbers)}", path=str(path), options=self.options))

    async def stop(self) -> None:
        """Leave it at what has been heard."""
        await self.bridge.send(Abort())

    async def list_inputs(self) -> None:
        """Look for microphones."""
        self._require_live()
        if not self._state.voice.open:
            await self.bridge.send(ListInputs())

    def _kept(self) -> str:
        """Beside the recording that runs, and only where the settings ask for it."""
        if not (self._settings.keep_audio and self._state.recording):
            return ""
        recording = Path(self._state.recording)
        names = (recording.with_name(f"{recording.stem}-{number}.wav") for number in count(1))
        return str(next(path for path in names if not path.exists()))

    def _require_idle(self) -> None:
        if self._state.voice.busy:
            raise NotNow("speech is being transcribed; wait for its end, or Esc stops it")

    def _require_live(self) -> None:
        if self._state.replaying:
            raise NotNow("this is a replay: nobody listens")
