"""The Textual driver of an app in a web page."""

from __future__ import annotations

from textual.drivers.web_driver import WebDriver
from textual.events import AppBlur


class PageDriver(WebDriver):
    """Unlike Textual's own, begins with the focus, which the prompt may never get else, and ends with its server."""

    def start_application_mode(self) -> None:
        """Ignore focus reports: the first may come before the app is there; the page always has the focus."""
        self._app.disable_messages(AppBlur)
        super().start_application_mode()

    def run_input_thread(self) -> None:
        """Run until the app ends, or until the server does, which ends the app and its engine as well."""
        super().run_input_thread()
        if not self.exit_event.is_set():
            self._app.call_from_thread(self._app.exit)
