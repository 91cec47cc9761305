"""The driver of an app in a page."""

from __future__ import annotations

from textual.drivers.web_driver import WebDriver
from textual.events import AppBlur


class PageDriver(WebDriver):
    """Textual's own begins without the focus, so that the prompt may never get it, and survives its server."""

    def start_application_mode(self) -> None:
        """The page says when it has the focus, which may be before the app is there; it always has it."""
        self._app.disable_messages(AppBlur)
        super().start_application_mode()

    def run_input_thread(self) -> None:
        """Until the app ends, or the server does, and then the app and its engine as well."""
        super().run_input_thread()
        if not self.exit_event.is_set():
            self._app.call_from_thread(self._app.exit)
