"""What the speech worker tells: microphones, levels, transcripts. Times are seconds of its monotonic clock."""

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
    """The microphones that there are; where there is none, why, and what to do."""

    inputs: list[AudioInput]
    message: str = ""
    advice: str = ""


class SpeechModelLoaded(Event, frozen=True):
    """The recogniser is ready."""

    facts: SpeechModelFacts


class MicrophoneChanged(Event, frozen=True):
    """The microphone opened, closed, or was lost and is looked for. `rate` in Hz is what it delivers, resampled here
    unless it is 16000. `note` is one line for the user."""

    state: MicrophoneState
    input: str = ""
    rate: int = 0
    note: str = ""


class AudioLevel(Event, frozen=True):
    """How loud the last moment was, in dB of full scale, `seconds` after the microphone opened. `speech`: the VAD
    hears it. `overflows`: times that audio was lost; `lost_s`: how much; `lag_s`: heard and not yet looked at."""

    rms_db: float
    peak_db: float
    seconds: float
    speech: bool = False
    overflows: int = 0
    lost_s: float = 0.0
    lag_s: float = 0.0


class TranscriptUpdated(Event, frozen=True):
    """What is new in a transcript: segments that are final since the last such event, kept or dropped, and the open
    utterance as it reads now. `confirmed` stays as it is, `partial` may still change. `position_s` of `total_s` is done
    (0 is not known); `lag_s` is how old the audio behind the newest word is; `finals_only` says why no partial text
    comes."""

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
    """A transcript is whole, or as far as it came where `reason` is abort or error (`message` says what went wrong).
    `vad_s` and `decode_s` are seconds of work; `seconds` from the command to now, for a microphone from its closing.
    `timings`: one for each utterance of a dictation. `language_probability`: None where it was not listened for."""

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
