"""Sends the prompts of the Playground screen; a prompt that fails goes back to the editor."""

from __future__ import annotations

from playground.tui.advice import request_fault
from playground.tui.screens.base import BaseScreen
from playground.tui.screens.playground.model_loads import ModelLoads
from playground.tui.screens.playground.speech import Speech
from playground.tui.session import NotNow
from playground.tui.state.changes import Changes
from playground.tui.voice.sound_path import sound_path
from playground.tui.widgets.notice import Notice
from playground.tui.widgets.prompt import Prompt


class Prompting:
    """Keeps what was sent, by the id of its request, until that has ended."""

    def __init__(self, screen: BaseScreen, loads: ModelLoads, speech: Speech) -> None:
        self._screen, self._loads, self._speech = screen, loads, speech
        self._shown: dict[str, str] = {}

    def submit(self, text: str, shown: str) -> None:
        """Handle Enter: send a prompt, transcribe a sound file, or load the bundled model if there is none. A server
        is tried again with a prompt too, which then waits for it."""
        if not text.strip() and self._loads.wanted:
            self._loads.load()
            return
        if self._loads.wanted and self._loads.on_server and not sound_path(text):
            self._loads.load(then=lambda: self._screen.run(lambda: self._send(text, shown)))
            return
        self._screen.query_one(Notice).quiet()
        if path := sound_path(text):
            self._speech.transcribe(path)
        else:
            self._screen.run(lambda: self._send(text, shown))

    def set_sampling(self) -> None:
        """Open the sampling overlay."""
        from playground.tui.screens.overlays.sampling import SamplingScreen

        self._screen.app.push_screen(SamplingScreen(self._screen.session))

    def offer_draft(self) -> None:
        """Offer a prompt that another screen left to be run again."""
        session = self._screen.session
        if session.draft:
            self._screen.query_one(Prompt).offer(session.draft)
            session.draft = ""

    def report(self, changes: Changes) -> None:
        """Show failed requests, and put their prompts back into the editor."""
        for request in changes.finished:
            shown = self._shown.pop(request.request_id, "")
            if fault := request_fault(request):
                self._screen.query_one(Notice).say(*fault, bad=True)
                self._screen.query_one(Prompt).give_back(shown)

    def _send(self, text: str, shown: str) -> None:
        try:
            self._shown[self._screen.session.submit(text)] = shown
        except NotNow:
            self._screen.query_one(Prompt).give_back(shown)
            raise
