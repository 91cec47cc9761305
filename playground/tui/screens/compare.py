"""The Compare screen: one prompt, two option sets: texts side by side, distributions, figures with noise, a verdict."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import msgspec
from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType

from playground.session.history.run import Run
from playground.text.plain import one_line
from playground.tui.actions import Place, ScreenName, bindings
from playground.tui.checkpoints import find_checkpoints
from playground.tui.compare.driver import CompareDriver
from playground.tui.compare.profile import CompareProfile, fields, on_one_line
from playground.tui.messages import Updated
from playground.tui.prompt_mode import BASE, CHAT
from playground.tui.screens.base import HEIGHTS, BaseScreen
from playground.tui.session import Session
from playground.tui.state.request import RequestState
from playground.tui.toggles.rows import eight_bits
from playground.tui.widgets.compare.figures import CompareFigures
from playground.tui.widgets.compare.texts import CompareTexts
from playground.tui.widgets.field_form import FieldForm
from playground.tui.widgets.key_bar import KeyBar
from playground.tui.widgets.notice import Notice
from playground.tui.widgets.status_line import StatusLine

HINT = "r runs A and B in turns on the same prompt, greedy; another model or engine gets a worker of its own"
REPLAY_HINT = "nothing was compared in this recording, at least not yet"


class CompareScreen(BaseScreen):
    """Shows the state in its widgets, and runs comparisons through `CompareDriver`."""

    NAME: ClassVar[ScreenName] = "compare"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(NAME)]
    VERTICAL_BREAKPOINTS = HEIGHTS
    CSS_PATH = "compare.tcss"
    AUTO_FOCUS = "FieldForm"

    def __init__(self, session: Session, folders: list[Path], keep: Callable[[Run], None] | None) -> None:
        super().__init__(session)
        self._driver = CompareDriver(session, keep)
        self._folders, self._models = folders, list[str]()
        self._taken = self._engine = ""
        self.handlers |= {
            "run_compare": lambda: self._driver.start(self.query_one(FieldForm).profile),
            "stop_compare": self._driver.stop,
            "compare_form": lambda: self.query_one(FieldForm).focus(),
        }

    def compose(self) -> ComposeResult:
        yield StatusLine(self.session.letters)
        yield FieldForm("Compare", "[ Compare ]", fields(self.state.capabilities, []), CompareProfile())
        yield CompareTexts()
        yield CompareFigures()
        yield Notice()
        yield KeyBar()

    def on_mount(self) -> None:
        """Also look for models."""
        self._look_for_models()

    def on_screen_resume(self) -> None:
        """Take over a new prompt of the Playground screen."""
        self._take_prompt()
        self.show()

    @on(Updated)
    def _updated(self, message: Updated) -> None:
        died = self.show_faults(message.changes)
        self.show_early_end("the comparison", self._driver.fault, died)
        if self.is_current:
            self.show()

    @on(FieldForm.RunAsked)
    def _run_asked(self) -> None:
        self.action_do("run_compare")

    @property
    def place(self) -> Place:
        """See `BaseScreen.place`."""
        return "compare" if isinstance(self.focused, FieldForm) else "everywhere"

    def show(self) -> None:
        """Show the state in every widget."""
        form = self.query_one(FieldForm)
        if self.state.replaying:
            form.show_recorded(self._recorded())
        prompts = [on_one_line(request.prompt) for request in self._asked]
        self._take_engine(form)
        form.offer(fields(self.state.capabilities, prompts, self._models))
        self.query_one(StatusLine).show(self.state)
        self.query_one(CompareTexts).show(self.state.compare)
        self.query_one(CompareFigures).show(self.state.compare, REPLAY_HINT if self.state.replaying else HINT)
        self.query_one(Notice).show(self.state)
        self.show_keys()

    @work(thread=True)
    def _look_for_models(self) -> None:
        """Find the models of this machine, as choices."""
        found = [checkpoint.model for checkpoint in find_checkpoints(self._folders)]
        self.app.call_from_thread(self._models.extend, found)

    def _recorded(self) -> str:
        """What a replay compared."""
        compare = self.state.compare
        if not compare.comparison.planned:
            return ""
        return f"A {one_line(compare.a, 80)}   B {one_line(compare.b, 80)}"

    @property
    def _asked(self) -> list[RequestState]:
        """The requests of the Playground screen that have a prompt, the newest first."""
        return [request for request in reversed(self.state.requests.values()) if request.prompt]

    def _take_engine(self, form: FieldForm) -> None:
        """Once an engine is there: the 8-bit cache that it has, unless another B was typed."""
        engine = self.state.capabilities.engine
        if engine and not self._engine:
            self._engine, offered = engine, CompareProfile()
            if form.profile.b == offered.b:
                b = f"kv_cache={eight_bits(self.state, 'kv_cache')}"
                form.set(msgspec.structs.replace(form.profile, b=b))

    def _take_prompt(self) -> None:
        """Take over the newest prompt of the Playground screen and its mode, once each: what is typed here stays."""
        newest = next(iter(self._asked), None)
        if newest and newest.request_id != self._taken:
            self._taken = newest.request_id
            form, mode = self.query_one(FieldForm), CHAT if newest.chat else BASE
            form.set(msgspec.structs.replace(form.profile, prompt=on_one_line(newest.prompt), mode=mode))
