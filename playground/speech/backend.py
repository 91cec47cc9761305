"""The speech backend: one recogniser, and one microphone or one file at a time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

from playground.protocol.capabilities import Capabilities
from playground.protocol.commands import Abort, ListInputs, StartListening, StopListening, Transcribe
from playground.protocol.events import Event, Failed
from playground.protocol.speech import SpeechOptions
from playground.protocol.speech_events import InputsListed, SpeechModelLoaded, TranscriptFinished
from playground.protocol.wire import AnyCommand
from playground.speech import devices
from playground.speech.audio_file import AudioFile
from playground.speech.decoding import Decoder
from playground.speech.faults import SpeechError
from playground.speech.file_job import FileJob
from playground.speech.inputs import list_inputs
from playground.speech.listening import Listening
from playground.speech.recorder import Recorder
from playground.speech.sound_thread import submit, wait_for
from playground.speech.transcriber import Transcriber

STEP_S = 0.05  # events wake the loop; this interval is for what falls silent


class SpeechBackend:
    """Obeys commands, which raise `SpeechError`; later faults are reported by `step` under the name of the command.
    `wake` is called from other threads when there is something to `step` for."""

    def __init__(self, emit: Callable[[Event], None], wake: Callable[[], None]) -> None:
        self._emit, self._wake = emit, wake
        self._loader = ThreadPoolExecutor(1, thread_name_prefix="load")
        self._loading: Future[Decoder] | None = None
        self._loaded_as: tuple[object, ...] = ()
        self._model_told = True
        self._listening: Listening | None = None
        self._waiting_file: tuple[Transcribe, AudioFile] | None = None
        self._file: FileJob | None = None
        self._file_key = ""
        self._due = 0.0

    def capabilities(self) -> Capabilities:
        """What CTranslate2 can compute with on this machine."""
        return devices.capabilities()

    @property
    def next_due(self) -> float | None:
        """When the next step is due; None if nothing runs."""
        busy = self._listening or self._file or self._waiting_file or not self._model_told
        return self._due if busy else None

    @property
    def doing(self) -> str:
        """The name of the current command."""
        return "Transcribe" if self._waiting_file or self._file else "StartListening"

    def handle(self, received: float, command: AnyCommand) -> None:
        """Obey a command; those of engines are not accepted."""
        match command:
            case ListInputs():
                self._list_inputs()
            case StartListening():
                self._start_listening(command)
            case StopListening():
                self._stop_listening()
            case Transcribe():
                self._require_idle()
                self._waiting_file = (command, AudioFile(command.path))
                self._load(command.options)
            case Abort():
                self._abort()

    def step(self) -> None:
        """Continue what runs."""
        self._due = perf_counter() + STEP_S
        try:
            self._tell_model()
            self._step_listening()
            self._step_file()
        except SpeechError as error:
            self._emit(Failed(where=self.doing, message=error.message, advice=error.advice))
            self.fail(error.message)

    def fail(self, message: str) -> None:
        """Close the microphone and end what runs, with a message; text so far is kept."""
        listening, self._listening = self._listening, None
        if listening:
            listening.break_off(message)
        self._end_file(message)

    def close(self) -> None:
        """Close the microphone and the recogniser."""
        if self._listening:
            self._listening.stop()

    def _list_inputs(self) -> None:
        if self._listening:
            raise SpeechError("microphones cannot be looked for while one is open", "close it first")
        try:
            self._emit(InputsListed(inputs=wait_for(submit(list_inputs))))
        except SpeechError as error:
            self._emit(InputsListed(inputs=[], message=error.message, advice=error.advice))

    def _start_listening(self, command: StartListening) -> None:
        self._require_idle()
        recorder = Recorder(self._wake, command.input, Path(command.keep_audio) if command.keep_audio else None)
        self._listening = Listening(command, recorder, self._load(command.options), self._emit)

    def _stop_listening(self) -> None:
        if self._listening is None:
            raise SpeechError("no microphone is open")
        self._listening.stop()
        self._due = 0.0

    def _require_idle(self) -> None:
        if self._listening:
            raise SpeechError("a microphone is open already", "close it first")
        if self._file or self._waiting_file:
            raise SpeechError("a file is being transcribed", "wait for its end, or stop it")

    def _load(self, options: SpeechOptions) -> Future[Decoder]:
        """The model of the options, loaded or loading."""
        wanted = (options.model, options.device, options.compute_type, options.threads)
        if self._loading is None or wanted != self._loaded_as or _failed(self._loading):
            old, self._loaded_as, self._model_told = self._loading, wanted, False
            self._loading = self._loader.submit(_load, options, old, self._wake)
            self._loading.add_done_callback(lambda _: self._wake())
        self._due = 0.0
        return self._loading

    def _tell_model(self) -> None:
        if self._loading and self._loading.done() and not self._model_told:
            self._model_told = True
            self._emit(SpeechModelLoaded(facts=self._loading.result().transcriber.facts))

    def _step_listening(self) -> None:
        if self._listening:
            self._listening.step()
            if self._listening.done:
                self._listening = None

    def _step_file(self) -> None:
        if self._waiting_file and self._loading and self._loading.done():
            (command, audio), decoder = self._waiting_file, self._loading.result()
            self._waiting_file, self._file_key = None, command.key
            load_s = decoder.transcriber.facts.load_s
            self._file = FileJob(command.key, audio, command.options, decoder, load_s, self._wake)
        if self._file:
            for event in self._file.take():
                self._emit(event)
                if isinstance(event, TranscriptFinished):
                    self._file = None

    def _abort(self) -> None:
        if self._file:
            self._file.stop()
        elif self._waiting_file:
            self._end_file("stopped before the model was loaded")
        elif self._listening:
            self._listening.break_off("stopped on request")
            self._listening = None

    def _end_file(self, message: str) -> None:
        key = self._waiting_file[0].key if self._waiting_file else self._file_key
        if self._file:
            self._file.stop()
        if self._file or self._waiting_file:
            nothing = TranscriptFinished(
                key=key, text="", segments=[], dropped=[], audio_seconds=0.0, reason="error", message=message
            )
            self._emit(nothing)
        self._file = self._waiting_file = None


def _load(options: SpeechOptions, old: Future[Decoder] | None, wake: Callable[[], None]) -> Decoder:
    """One model at a time: the memory of the old one first."""
    if old is not None and not _failed(old):
        old.result().close()
    return Decoder(Transcriber(options), wake)


def _failed(loading: Future[Decoder]) -> bool:
    return loading.done() and loading.exception() is not None
