"""The sampling overlay: the sampling parameters of the next prompts."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from playground.tui.sampling_fields import ABOUT, fields
from playground.tui.session import Session
from playground.tui.styles import MUTED
from playground.tui.widgets.field_form import FieldForm

LABEL_WIDTH = 13


class SamplingScreen(ModalScreen[None]):
    """A change takes effect at once, for every prompt that is sent from then on."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,ctrl+s", "dismiss", show=False)]
    CSS_PATH = "overlay.tcss"

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        facts = session.state.facts
        self._longest = facts.context if facts else 0

    def compose(self) -> ComposeResult:
        sampling = self._session.sampling
        with Vertical(classes="overlay small") as overlay:
            overlay.border_title = "Sampling"
            overlay.border_subtitle = "←→ another   ↑↓ its value   e types   Esc closes"
            yield FieldForm("From the next prompt on", "[ Done ]", fields(sampling, self._longest), sampling)
            yield Static(self._about())

    @on(FieldForm.Changed)
    def _take(self) -> None:
        form = self.query_one(FieldForm)
        self._session.sampling = form.profile
        form.offer(fields(form.profile, self._longest))

    @on(FieldForm.RunAsked)
    def _done(self) -> None:
        self.dismiss()

    def _about(self) -> Content:
        context = f"; prompt and answer fit in {self._longest}" if self._longest else ""
        words = ABOUT | {"max tokens": ABOUT["max tokens"] + context}
        lines = [Content.assemble((f"{name:<{LABEL_WIDTH}}", "bold"), (text, MUTED)) for name, text in words.items()]
        return Content("\n").join([Content(), *lines])
