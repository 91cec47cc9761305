"""Events of the speech worker: microphones, levels, transcripts. Times are seconds on its monotonic clock."""

from __future__ import annotations

from playground.protocol.events import Event, FinishReason
from playground.protocol.speech import (
    AudioInput,
    DroppedSegment,
    MicrophoneState,
    Segment,
    SpeechModelFacts,
    UtteranceTiming,
)


class InputsListed(Event, frozen=True):
    """The connected microphones; if there are none, `message` says why and `advice` what to do."""

    inputs: list[AudioInput]
    message: str = ""
    advice: str = ""


class SpeechModelLoaded(Event, frozen=True):
    """The recogniser is ready."""

    facts: SpeechModelFacts


class MicrophoneChanged(Event, frozen=True):
    """The microphone opened, closed, or was lost and is being looked for. `rate`: what it delivers in Hz, resampled
    here unless it is 16000. `note`: one line for the user."""

    state: MicrophoneState
    input: str = ""
    rate: int = 0
    note: str = ""


class AudioLevel(Event, frozen=True):
    """Loudness of the last moment in dB of full scale, `seconds` after the microphone opened. `speech`: the VAD detects
    speech. `overflows`: how often audio was lost; `lost_s`: how much; `lag_s`: audio received but not yet processed."""

    rms_db: float
    peak_db: float
    seconds: float
    speech: bool = False
    overflows: int = 0
    lost_s: float = 0.0
    lag_s: float = 0.0


class TranscriptUpdated(Event, frozen=True):
    """Changes of a transcript: segments that became final since the last such event, kept or dropped, and the current
    text of the open utterance. `confirmed` will not change, `partial` may. `position_s` of `total_s` is done (0:
    unknown); `lag_s`: age of the audio behind the newest word; `finals_only`: why there is no partial text."""

    key: str
    confirmed: str = ""
    partial: str = ""
    segments: list[Segment] = []
    dropped: list[DroppedSegment] = []
    timing: UtteranceTiming | None = None
    position_s: float = 0.0
    total_s: float = 0.0
    lag_s: float = 0.0
    finals_only: str = ""


class TranscriptFinished(Event, frozen=True):
    """A transcript is complete, or ended early if `reason` is abort or error (`message` says what went wrong). `vad_s`
    and `decode_s`: seconds of work; `seconds`: from the command to now, for a microphone from its closing. `timings`:
    one per utterance of a dictation. `language_probability`: None if the language was not detected."""

    key: str
    text: str
    segments: list[Segment]
    dropped: list[DroppedSegment]
    audio_seconds: float
    language: str = ""
    language_probability: float | None = None
    vad_s: float = 0.0
    decode_s: float = 0.0
    load_s: float = 0.0
    seconds: float = 0.0
    timings: list[UtteranceTiming] = []
    reason: FinishReason = "stop"
    message: str = ""
