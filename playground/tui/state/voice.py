"""The state of speech: a fold over the commands and events of the speech worker. Knows nothing of Textual."""

from __future__ import annotations

import re

import msgspec

from playground.protocol.capabilities import Capabilities
from playground.protocol.commands import StartListening, Submit, Transcribe
from playground.protocol.events import Failed, TokensGenerated, WorkerExited, WorkerReady
from playground.protocol.speech import DroppedSegment, SpeechModelFacts, UtteranceTiming
from playground.protocol.speech_events import (
    AudioLevel,
    InputsListed,
    MicrophoneChanged,
    SpeechModelLoaded,
    TranscriptFinished,
    TranscriptUpdated,
)
from playground.protocol.steps import Step
from playground.protocol.wire import AnyCommand, AnyEvent
from playground.tui.state.decode_meter import DecodeMeter, Rate

COMMANDS = ("ListInputs", "StartListening", "StopListening", "Transcribe")
ENDED, AGAIN = "the speech process ended unexpectedly", "^T starts it again"
SENTENCE = re.compile(r"\S[^\n]*?(?:[.!?](?=\s)|\n)")


class SpokenRequest(msgspec.Struct):
    """A request that was spoken, up to the first sentence of its answer. Seconds; `edited_s` is from the final text to
    its submission. TTFT is in the request's own metrics."""

    request_id: str
    timing: UtteranceTiming
    edited_s: float
    first: float | None = None
    sentence_s: float | None = None
    text: str = ""

    def add(self, event: TokensGenerated) -> None:
        """Add tokens of the answer, to find when its first sentence or line of code is complete."""
        if self.sentence_s is not None or not event.times:
            return
        self.first = event.times[0] if self.first is None else self.first
        self.text += event.text
        if SENTENCE.search(self.text):
            self.sentence_s = event.times[-1] - self.first


class VoiceState:
    """`try_add_event` folds an event, or leaves it to the engine's fold; everything else is there to be read."""

    def __init__(self) -> None:
        self.key = ""  # of the current transcript
        self.microphone: MicrophoneChanged | None = None
        self.level: AudioLevel | None = None
        self.listed: InputsListed | None = None
        self.facts: SpeechModelFacts | None = None
        self.capabilities: Capabilities | None = None
        self.texts: list[str] = []
        self.update: TranscriptUpdated | None = None
        self.finished: TranscriptFinished | None = None
        self.broken_off: TranscriptFinished | None = None  # what the worker had made when it died
        self.dropped: list[DroppedSegment] = []
        self.spoken: SpokenRequest | None = None
        self._waiting: tuple[UtteranceTiming, float] | None = None
        self.forget_speed()

    @property
    def open(self) -> bool:
        """Whether the microphone is open or being opened."""
        return self.microphone is not None and self.microphone.state != "closed"

    @property
    def busy(self) -> bool:
        """Whether speech is being transcribed."""
        return bool(self.key)

    @property
    def contention(self) -> tuple[Rate, Rate] | None:
        """Decode TPS with the microphone closed and open, with equal numbers of requests; None until both are known."""
        opened = self._open.rate()
        closed = self._closed.rate(opened.rows) if opened else None
        return (closed, opened) if closed and opened else None

    def add_command(self, command: AnyCommand, now: float) -> None:
        """A command was sent at `now` on this process's clock."""
        if isinstance(command, StartListening | Transcribe):
            self.key, self.texts, self.update, self.dropped = command.key, [], None, []
            self.level = None
        elif isinstance(command, Submit) and self._waiting and len(command.requests) == 1:
            timing, finished = self._waiting
            self.spoken, self._waiting = SpokenRequest(command.requests[0].request_id, timing, now - finished), None

    def try_add_event(self, event: AnyEvent, now: float) -> bool:
        """Fold an event of the speech worker and return True; return False for any other."""
        match event:
            case TranscriptUpdated():
                self.update = event
                self.texts += [segment.text for segment in event.segments]
                self.dropped += event.dropped
            case AudioLevel():
                self.level = event
            case MicrophoneChanged():
                self.microphone = event
            case TranscriptFinished():
                self._finish(event, now)
            case InputsListed():
                self.listed = event
            case SpeechModelLoaded():
                self.facts = event.facts
            case Failed(where=where) if where in COMMANDS:
                self._fail(event)
            case WorkerReady(role="speech"):
                self.capabilities = event.capabilities  # what it was started for goes on
            case WorkerExited(role="speech"):
                self.broken_off = self._break_off()
                self._end()
                self._list_none(ENDED, AGAIN)
            case _:
                return False
        return True

    def add_tokens(self, event: TokensGenerated) -> None:
        """Add tokens of any request."""
        if self.spoken and event.request_id == self.spoken.request_id:
            self.spoken.add(event)

    def add_step(self, step: Step) -> None:
        """Add a step of the engine, to measure its speed with the microphone open and closed."""
        (self._open if self.open else self._closed).add(step)

    def forget_speed(self) -> None:
        """Measure again: the engine has another model or other options."""
        self._open, self._closed = DecodeMeter(), DecodeMeter()

    def _finish(self, event: TranscriptFinished, now: float) -> None:
        self.finished, self.key, self.update = event, "", None
        self.dropped = event.dropped or self.dropped
        self._waiting = (event.timings[-1], now) if event.timings and event.text else None

    def _fail(self, event: Failed) -> None:
        """A start that was refused because another goes on leaves that alone."""
        if event.where == "ListInputs":
            self._list_none(event.message, event.advice)
        elif not self.open:
            self.key = ""

    def _list_none(self, message: str, advice: str) -> None:
        """No microphones were listed, and why; those that are known stay."""
        if not (self.listed and self.listed.inputs):
            self.listed = InputsListed(inputs=[], message=message, advice=advice)

    def _break_off(self) -> TranscriptFinished | None:
        """The transcript that is being made, with what is certain of it."""
        certain = [*self.texts, self.update.confirmed if self.update else ""]
        text = " ".join(filter(None, certain))
        if not self.busy or not text:
            return None
        return TranscriptFinished(
            key=self.key, text=text, segments=[], dropped=self.dropped, audio_seconds=0.0, reason="error"
        )

    def _end(self) -> None:
        self.key, self.facts, self.level, self.update = "", None, None, None
        self.microphone = None
