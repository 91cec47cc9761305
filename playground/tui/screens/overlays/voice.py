"""The voice overlay: the microphone, the recogniser, and what was left out of the last transcript and why."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from playground.protocol.fault import with_advice
from playground.protocol.speech import AudioInput, DroppedSegment, SpeechOptions
from playground.text.plain import one_line
from playground.tui.checkpoints import Checkpoint, find_recognisers
from playground.tui.state.state import State
from playground.tui.state.voice import VoiceState
from playground.tui.styles import MUTED
from playground.tui.voice.voice import Voice

LOOK_EVERY_S = 0.3
MOST_DROPPED = 8


class VoiceScreen(ModalScreen[None]):
    """Choices take effect with the next transcript."""

    CSS_PATH = "overlay.tcss"
    AUTO_FOCUS = "#inputs"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,f9,q", "dismiss", show=False)]

    def __init__(self, state: State, voice: Voice, folders: list[Path]) -> None:
        super().__init__()
        self._state, self._voice, self._folders = state, voice, folders
        self._inputs: list[AudioInput] | None = None
        self._models: list[Checkpoint] = []

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="overlay") as overlay:
            overlay.border_title = "Voice"
            overlay.border_subtitle = "↑↓ choose   Enter takes it   Tab the other list   Esc closes"
            yield Static("Microphone", classes="hint")
            yield OptionList(id="inputs", markup=False)
            yield Static("looking for microphones", id="no-input", classes="hint", markup=False)
            yield Static("Recogniser", classes="hint")
            yield OptionList(id="models", markup=False)
            yield Static(id="recognition", classes="hint")
            yield Static(dropped_text(self._state.voice.dropped), id="dropped")

    def on_mount(self) -> None:
        """Look for recognisers on disk, and for the speech worker's answer about microphones."""
        self._look_for_models()
        self._show_reported()
        self.set_interval(LOOK_EVERY_S, self._show_reported)

    def _show_reported(self) -> None:
        """Show what the speech worker reported about this machine."""
        self._show_inputs()
        self.query_one("#recognition", Static).update(recognition_text(self._state.voice, self._voice.options))

    def _show_inputs(self) -> None:
        listed = self._state.voice.listed
        if listed is None or listed.inputs is self._inputs:
            return
        self._inputs = listed.inputs
        note = with_advice(listed.message, listed.advice)
        self.query_one("#no-input", Static).update(note)
        self.query_one("#no-input").display = bool(note)
        rows = self.query_one("#inputs", OptionList)
        rows.clear_options()
        rows.add_options([Option(_input_line(each, self._chosen(each))) for each in listed.inputs])

    def _chosen(self, each: AudioInput) -> bool:
        return each.name == self._voice.input if self._voice.input else each.default

    @work(thread=True)
    def _look_for_models(self) -> None:
        found = find_recognisers(self._folders)
        self.app.call_from_thread(self._show_models, found)

    def _show_models(self, found: list[Checkpoint]) -> None:
        self._models = found
        rows = self.query_one("#models", OptionList)
        rows.clear_options()
        rows.add_options([Option(_model_line(each, each.model == self._voice.model)) for each in found])

    @on(OptionList.OptionSelected, "#inputs")
    def _take_input(self, message: OptionList.OptionSelected) -> None:
        assert self._inputs
        self._voice.input = self._inputs[message.option_index].name
        self._inputs = None
        self._show_inputs()

    @on(OptionList.OptionSelected, "#models")
    def _take_model(self, message: OptionList.OptionSelected) -> None:
        self._voice.model = self._models[message.option_index].model
        self._show_models(self._models)


def _mark(chosen: bool) -> tuple[str, str]:
    return ("● ", "$accent") if chosen else ("  ", "")


def _input_line(each: AudioInput, chosen: bool) -> Content:
    facts = f"  {each.rate} Hz, {each.channels} channel{'s' * (each.channels != 1)}"
    return Content.assemble(_mark(chosen), one_line(each.name, 50), (facts, MUTED))


def _model_line(each: Checkpoint, chosen: bool) -> Content:
    return Content.assemble(_mark(chosen), one_line(each.name, 50), (f"  {each.source}", MUTED))


def recognition_text(state: VoiceState, options: SpeechOptions) -> Content:
    """The recogniser's settings, what it really computes in, and what else this device could."""
    compute = options.compute_type
    if state.facts:
        compute += f" ▸ {state.facts.compute_type} on {state.facts.device}"
    how = f"compute type {one_line(compute, 40)}   language {one_line(options.language, 20)}   beam {options.beam}"
    support = state.capabilities.toggle("compute_type") if state.capabilities else None
    possible = ", ".join(each.value for each in support.values if each.possible) if support else ""
    return Content(f"{how}\nthis device computes in {possible}; see [speech] in the settings" if possible else how)


def dropped_text(dropped: list[DroppedSegment]) -> Content:
    """The newest dropped segments, each with its reason."""
    if not dropped:
        return Content.styled("Left out of the last transcript: nothing", MUTED)
    lines = [Content.styled(f"Left out of the last transcript: {len(dropped)}", "bold")]
    for each in dropped[-MOST_DROPPED:]:
        where = f"{each.segment.start:7.1f} s  "
        text = one_line(each.segment.text, 40) or "no text"
        why = f"{text}  ({one_line(each.detail, 80)})"
        lines.append(Content.assemble((where, MUTED), f"{each.reason}: ", (why, MUTED)))
    return Content("\n").join(lines)
