"""Speech on the Playground screen: the microphone and sound files are transcribed into the prompt."""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from playground.protocol.speech_events import TranscriptFinished
from playground.text.plain import printable
from playground.tui.advice import transcript_note
from playground.tui.screens.base import BaseScreen
from playground.tui.session import NotNow
from playground.tui.voice.voice import Voice
from playground.tui.widgets.notice import Notice
from playground.tui.widgets.prompt import Prompt


class Speech:
    """`folders` are where the voice overlay (F9) looks for recognisers."""

    def __init__(self, screen: BaseScreen, voice: Voice, folders: list[Path]) -> None:
        self._screen, self._voice, self._folders = screen, voice, folders

    def talk(self) -> None:
        """Open the microphone, or close it."""
        self._do(self._voice.toggle())

    def transcribe(self, path: Path) -> None:
        """Transcribe a sound file."""
        self._do(self._voice.transcribe(path))

    def stop(self) -> None:
        """Stop, and keep what has been heard."""
        self._do(self._voice.stop())

    def take(self, transcript: TranscriptFinished) -> None:
        """Add a transcript to the prompt, to be edited and sent; not in a replay."""
        if transcript.text and not self._screen.state.replaying:
            prompt = self._screen.query_one(Prompt)
            prompt.add_spoken(printable(transcript.text))
            prompt.focus()
        if note := transcript_note(transcript):
            self._screen.query_one(Notice).say(note)

    def open_settings(self) -> None:
        """Open the voice overlay."""
        from playground.tui.screens.overlays.voice import VoiceScreen

        self._do(self._voice.list_inputs())
        self._screen.app.push_screen(VoiceScreen(self._screen.state, self._voice, self._folders))

    def _do(self, action: Coroutine[Any, Any, None]) -> None:
        self._screen.run_worker(self._attempt(action))

    async def _attempt(self, action: Coroutine[Any, Any, None]) -> None:
        try:
            await action
        except NotNow as error:
            self._screen.query_one(Notice).say(str(error))
