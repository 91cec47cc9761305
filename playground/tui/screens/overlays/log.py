"""The log overlay: the end of the engine's output, as it grows."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Log

from playground.text.plain import printable

READ_EVERY_S = 0.5
NOTHING_YET = "the engine has printed nothing yet"
MOST_BYTES = 1 << 18
MOST_LINES = 2000


class LogScreen(ModalScreen[None]):
    """Reads the log file of the worker."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,ctrl+l,q", "dismiss", show=False)]
    CSS_PATH = "overlay.tcss"

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path, self._at, self._printed = path, 0, False

    def compose(self) -> ComposeResult:
        log = Log(max_lines=MOST_LINES, classes="overlay")
        # The name first: in a narrow title the end of a long folder is cut.
        log.border_title = Content(printable(f"{self._path.name}  {self._path.parent}"))
        log.border_subtitle = "Esc closes"
        log.write(NOTHING_YET)
        yield log

    def on_mount(self) -> None:
        self._read()
        self.set_interval(READ_EVERY_S, self._read)

    def _read(self) -> None:
        """Add what is new; a file that became shorter was started again."""
        log = self.query_one(Log)
        try:
            with self._path.open("rb") as file:
                size = file.seek(0, 2)
                if size < self._at:
                    log.clear()
                    self._at = 0
                file.seek(max(self._at, size - MOST_BYTES))
                text = file.read(MOST_BYTES).decode(errors="replace")
                self._at = size
        except OSError as error:
            log.border_subtitle = f"cannot be read: {error.strerror}"
            return
        if text:
            if not self._printed:
                log.clear()
                self._printed = True
            log.write(printable(text.replace("\r\n", "\n").replace("\r", "\n")))  # bars draw over themselves
