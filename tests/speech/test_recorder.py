"""A microphone on a disk that is full: without a device, and without a recogniser."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from playground.protocol.commands import StartListening
from playground.protocol.events import Failed
from playground.protocol.speech import AudioInput
from playground.protocol.speech_events import MicrophoneChanged, TranscriptFinished
from playground.protocol.wire import AnyEvent
from playground.speech import recorder as module
from playground.speech.listening import Listening
from playground.speech.recorder import Recorder
from playground.speech.vad import RATE
from tests.speech.driver import OPTIONS

PIECES, PIECE = 40, 512


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

    def close(self) -> None: ...

    def say(self) -> None:
        for _ in range(PIECES):
            self._callback(np.full((PIECE, 1), 0.1, dtype="float32"), PIECE, None, self)


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


def test_a_dictation_that_breaks_again_at_its_end_still_ends(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[AnyEvent] = []
    listening = Listening(StartListening(key="k", options=OPTIONS), Recorder(lambda: None), Future(), told.append)
    monkeypatch.setattr(listening, "_take", lambda samples: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        listening.break_off("the model is gone")
    assert [type(event) for event in told] == [MicrophoneChanged, MicrophoneChanged, TranscriptFinished]
    assert told[1].state == "closed" and told[2].message == "the model is gone"
