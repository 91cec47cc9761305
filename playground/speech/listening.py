"""An open microphone, from opening to the final text: levels, the state of the device, the dictation."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from time import perf_counter

import numpy as np

from playground.protocol.commands import StartListening
from playground.protocol.events import Event, Failed
from playground.protocol.speech import MicrophoneState
from playground.protocol.speech_events import AudioLevel, MicrophoneChanged, TranscriptFinished
from playground.speech.decoding import Decoder
from playground.speech.dictation import Dictation
from playground.speech.faults import SpeechError
from playground.speech.recorder import Recorder
from playground.speech.transcript import QUIET_DB
from playground.speech.vad import RATE, Samples, decibels, loudness_db

LEVEL_EVERY_S = 0.1
MOST_EARLY_S = 60.0  # of audio kept before the model is loaded; silence is kept too, 64 kB a second


class Listening:
    """Call `step` often. Audio that comes while the model loads is kept for it. Raises `SpeechError` if the model
    fails."""

    def __init__(
        self,
        command: StartListening,
        recorder: Recorder,
        loading: Future[Decoder],
        emit: Callable[[Event], None],
    ) -> None:
        self._command, self._recorder, self._loading, self._emit = command, recorder, loading, emit
        self._dictation: Dictation | None = None
        self._load_s = 0.0
        self._early: list[Samples] = []
        self._early_s = 0.0  # how much of it is more than silence
        self._moment: list[Samples] = []
        self._leveled = perf_counter()
        self._lost, self._unkept = False, ""
        self._stopped: float | None = None
        self.done = False
        self._tell("open")

    def step(self) -> None:
        """Read audio, transcribe, and emit events."""
        if self._stopped is None:
            self._take(self._recorder.read())
            self._watch_device()
        self._begin()
        if self._dictation:
            self._dictation.step()
            if self._stopped is not None and not self._dictation.waiting_s:
                self._end()

    def stop(self) -> None:
        """Close the microphone; later steps transcribe the rest."""
        if self._stopped is None:
            self._stopped = perf_counter()
            try:
                self._take(self._recorder.close())
            finally:
                self._tell("closed")
            if self._dictation:
                self._dictation.stop()

    def break_off(self, message: str) -> None:
        """After a fault: close the microphone, and emit the text so far with a one-line message."""
        try:
            self.stop()
        finally:
            self._end(message)

    def _take(self, samples: Samples) -> None:
        self._watch_file()
        self._moment.append(samples)
        if perf_counter() - self._leveled >= LEVEL_EVERY_S:
            self._tell_level()
        if self._dictation:
            self._dictation.hear(samples)
        else:
            self._early.append(samples)
            if loudness_db(samples) >= QUIET_DB:
                self._early_s += len(samples) / RATE

    def _begin(self) -> None:
        """Start the dictation once the model is loaded."""
        if self._dictation:
            return
        if not self._loading.done():
            if self._early_s > MOST_EARLY_S:
                raise SpeechError(f"the recogniser is not loaded after {MOST_EARLY_S:.0f} s", "speak when it is")
            return
        decoder, command = self._loading.result(), self._command
        self._load_s = decoder.transcriber.facts.load_s
        self._dictation = Dictation(command.key, command.options, decoder, self._emit, self._recorder.time_of)
        self._dictation.hear(np.concatenate(self._early))
        self._early.clear()
        if self._stopped is not None:
            self._dictation.stop()

    def _watch_device(self) -> None:
        lost = self._recorder.lost
        if lost != self._lost:
            self._lost = lost
            if lost and self._dictation:
                self._dictation.stop()  # the open utterance ends here
            self._tell("lost" if lost else "open")

    def _watch_file(self) -> None:
        unkept = self._recorder.unkept
        if unkept != self._unkept:
            self._unkept = unkept
            advice = "free some room; what is said is transcribed as before"
            self._emit(Failed(where="StartListening", message=unkept, advice=advice))

    def _tell(self, state: MicrophoneState) -> None:
        recorder = self._recorder
        notes = {"lost": f"{recorder.name} is gone; it is looked for until it is back", "open": "", "closed": ""}
        self._emit(MicrophoneChanged(state=state, input=recorder.name, rate=recorder.rate, note=notes[state]))

    def _tell_level(self) -> None:
        moment = np.concatenate(self._moment)
        self._moment, self._leveled = [], perf_counter()
        peak = float(np.abs(moment).max()) if len(moment) else 0.0
        level = AudioLevel(
            rms_db=round(decibels(float(np.sqrt(np.mean(moment * moment))) if len(moment) else 0.0), 1),
            peak_db=round(decibels(peak), 1),
            seconds=round(self._recorder.read_s, 3),
            speech=self._dictation is not None and self._dictation.speaking,
            overflows=self._recorder.overflows,
            lost_s=round(self._recorder.lost_s, 3),
            lag_s=round(self._dictation.waiting_s if self._dictation else sum(map(len, self._early)) / RATE, 3),
        )
        self._emit(level)

    def _end(self, message: str = "") -> None:
        assert self._stopped is not None
        self.done = True
        seconds = perf_counter() - self._stopped
        if self._dictation:
            self._emit(self._dictation.finish(seconds, self._load_s, message))
        else:
            heard_s = self._recorder.read_s
            empty = TranscriptFinished(
                key=self._command.key,
                text="",
                segments=[],
                dropped=[],
                audio_seconds=round(heard_s, 3),
                seconds=seconds,
                reason="error",
                message=message,
            )
            self._emit(empty)
