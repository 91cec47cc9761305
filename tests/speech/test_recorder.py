"""A microphone whose disk is full, that cannot be opened, or that waits for the recogniser: without a device."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from time import sleep
from typing import Any

import numpy as np
import pytest

from playground.protocol.commands import StartListening
from playground.protocol.events import Failed
from playground.protocol.speech import AudioInput
from playground.protocol.speech_events import MicrophoneChanged, TranscriptFinished
from playground.protocol.wire import AnyEvent
from playground.speech import microphone as module
from playground.speech.decoding import Decoder
from playground.speech.faults import SpeechError
from playground.speech.listening import MOST_EARLY_S, Listening
from playground.speech.recorder import Recorder
from playground.speech.vad import RATE, Samples
from tests.speech.driver import OPTIONS
from tests.speech.speaking import SPOKEN, silence, speech

PIECES, PIECE = 40, 512
LOUD = np.full(PIECES * PIECE, 0.1, dtype="float32")


class Device:
    """In place of sounddevice and of the stream that it opens: `say` is what the driver's thread would do."""

    PortAudioError = RuntimeError
    input_overflow = False
    active = True

    def check_input_settings(self, **settings: Any) -> None:
        """It takes every rate."""

    def InputStream(self, callback: Any, **settings: Any) -> Device:
        self._callback = callback
        return self

    def start(self) -> None: ...

    def abort(self) -> None: ...

    def close(self) -> None:
        self.active = False

    def say(self, samples: Samples = LOUD) -> None:
        for at in range(0, len(samples), PIECE):
            piece = samples[at : at + PIECE, None]
            self._callback(piece, len(piece), None, self)


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Device:
    device, facts = Device(), AudioInput(name="fake", channels=1, rate=RATE, default=True)
    monkeypatch.setattr(module, "find_input", lambda name: (device, 0, facts))
    return device


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_costs_the_kept_audio_and_not_the_dictation(device: Device) -> None:
    told: list[AnyEvent] = []
    command = StartListening(key="k", options=OPTIONS, keep_audio="/dev/full")
    listening = Listening(command, Recorder(lambda: None, keep=Path("/dev/full")), Future(), told.append)
    for _ in range(2):
        device.say()
        listening.step()
    [fault] = [event for event in told if isinstance(event, Failed)]
    assert fault.where == "StartListening"
    assert fault.message == "the audio is not kept any more: No space left on device"
    listening.break_off("the model is gone")
    assert [event.state for event in told if isinstance(event, MicrophoneChanged)] == ["open", "closed"]
    assert isinstance(told[-1], TranscriptFinished)
    assert told[-1].audio_seconds == pytest.approx(2 * PIECES * PIECE / RATE, abs=0.001)
    assert sum(isinstance(event, Failed) for event in told) == 1


def test_a_microphone_that_cannot_be_opened_leaves_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(name: str) -> None:
        raise SpeechError("no microphone was found")

    monkeypatch.setattr(module, "find_input", refuse)
    with pytest.raises(SpeechError):
        Recorder(lambda: None, keep=tmp_path / "kept.wav")
    assert not list(tmp_path.iterdir())


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of `wave`, about what it did not open
def test_a_place_that_keeps_no_file_closes_the_microphone_again(device: Device, tmp_path: Path) -> None:
    with pytest.raises(SpeechError, match="cannot keep the audio"):
        Recorder(lambda: None, keep=tmp_path)
    assert not device.active


def test_a_dictation_that_breaks_again_at_its_end_still_ends(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[AnyEvent] = []
    listening = Listening(StartListening(key="k", options=OPTIONS), Recorder(lambda: None), Future(), told.append)
    monkeypatch.setattr(listening, "_take", lambda samples: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        listening.break_off("the model is gone")
    assert [type(event) for event in told] == [MicrophoneChanged, MicrophoneChanged, TranscriptFinished]
    assert told[1].state == "closed" and told[2].message == "the model is gone"


@pytest.mark.usefixtures("speaks")
def test_silence_while_the_recogniser_loads_ends_no_dictation(device: Device, decoder: Decoder) -> None:
    told: list[AnyEvent] = []
    loading: Future[Decoder] = Future()
    listening = Listening(StartListening(key="k", options=OPTIONS), Recorder(lambda: None), loading, told.append)
    for samples in (speech(), *[silence(1)] * round(MOST_EARLY_S + 1)):
        device.say(samples)
        listening.step()
    loading.set_result(decoder)
    listening.stop()
    while not listening.done:
        listening.step()
        sleep(0.01)
    assert isinstance(told[-1], TranscriptFinished)
    assert told[-1].text == SPOKEN and told[-1].audio_seconds > MOST_EARLY_S


def test_who_speaks_longer_than_can_be_kept_while_the_recogniser_loads_is_told(device: Device) -> None:
    listening = Listening(StartListening(key="k", options=OPTIONS), Recorder(lambda: None), Future(), lambda _: None)
    with pytest.raises(SpeechError, match="the recogniser is not loaded after 60 s"):
        for _ in range(round((MOST_EARLY_S + 2) * RATE / len(LOUD))):
            device.say()
            listening.step()
