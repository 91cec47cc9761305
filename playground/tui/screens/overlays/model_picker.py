"""The model picker: checkpoints on this machine, or a path or hub id typed."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from playground import paths
from playground.text.plain import one_line
from playground.text.sizes import format_memory
from playground.tui.checkpoints import Checkpoint, find_checkpoints
from playground.tui.styles import MUTED

NAME_WIDTH, SOURCE_WIDTH, SIZE_WIDTH = 40, 12, 10


class ModelPicker(ModalScreen[str | None]):
    """Returns a folder or hub id, or None. Typing narrows the list; Enter takes the marked entry or what is typed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", show=False),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
    ]
    CSS_PATH = "overlay.tcss"

    def __init__(self, folders: list[Path]) -> None:
        super().__init__()
        self._folders = folders
        self._found: list[Checkpoint] = []
        self._shown: list[Checkpoint] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="overlay") as overlay:
            overlay.border_title = "Load a model"
            overlay.border_subtitle = "↑↓ choose   Enter loads   Esc leaves"
            yield Input(placeholder="a folder, a hub id such as org/name, or part of a name below")
            yield OptionList(markup=False)
            yield Static("looking for checkpoints", classes="hint", markup=False)

    def on_mount(self) -> None:
        self._look()

    @work(thread=True)
    def _look(self) -> None:
        found = find_checkpoints(self._folders)
        self.app.call_from_thread(self._list, found)

    def _list(self, found: list[Checkpoint]) -> None:
        self._found = found
        self._narrow(self.query_one(Input).value)

    @on(Input.Changed)
    def _typed(self, message: Input.Changed) -> None:
        self._narrow(message.value)

    def _narrow(self, text: str) -> None:
        self._shown = [each for each in self._found if text.strip().lower() in f"{each.name} {each.model}".lower()]
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options([Option(_line(checkpoint)) for checkpoint in self._shown])
        if self._shown:
            options.highlighted = 0
        hint = f"{len(self._shown)} found on this machine" if self._shown else f"Enter loads {text.strip()!r}"
        self.query_one(".hint", Static).update(hint if self._shown or text.strip() else "none found on this machine")

    def action_move(self, by: int) -> None:
        options = self.query_one(OptionList)
        if by > 0:
            options.action_cursor_down()
        else:
            options.action_cursor_up()

    @on(Input.Submitted)
    def _entered(self, message: Input.Submitted) -> None:
        highlighted = self.query_one(OptionList).highlighted
        if self._shown and highlighted is not None:
            self.dismiss(self._shown[highlighted].model)
        elif text := message.value.strip():
            self.dismiss(str(paths.expand(text)) if text.startswith("~") else text)

    @on(OptionList.OptionSelected)
    def _chosen(self, message: OptionList.OptionSelected) -> None:
        self.dismiss(self._shown[message.option_index].model)


def _line(checkpoint: Checkpoint) -> Content:
    name = one_line(checkpoint.name, NAME_WIDTH)
    size = format_memory(checkpoint.bytes) if checkpoint.bytes else ""
    where = checkpoint.model if checkpoint.source == "local" else ""
    return Content.assemble(
        f"{name:<{NAME_WIDTH}} ",
        (f"{checkpoint.source:<{SOURCE_WIDTH}}", MUTED),
        f"{size:>{SIZE_WIDTH}}",
        (f"  {one_line(where, 60)}", MUTED),
    )
