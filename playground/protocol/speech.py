"""Data types that the commands and events of speech share."""

from __future__ import annotations

from typing import Literal

import msgspec

DropReason = Literal["quiet", "no speech", "unsure", "looping", "repeated", "known phrase", "empty", "too slow"]
MicrophoneState = Literal["closed", "opening", "open", "lost"]


class SpeechOptions(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How speech becomes text. `model`: a folder in CTranslate2's layout, a size such as `small`, or a hub id.

    `language` is a code such as `ru`, or `auto`. `temperatures` are tried in turn while the gates refuse the text.
    `window_s`: the most seconds of speech in one window; 0 takes what the model was trained for. `batch`: windows of a
    file that are decoded together; 1 decodes them in turn. `partials` off gives each utterance at its end alone.
    """

    model: str
    device: str = "auto"
    compute_type: str = "default"
    language: str = "auto"
    beam: int = 5
    temperatures: tuple[float, ...] = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    threads: int = 0
    window_s: float = 0.0
    batch: int = 8
    partials: bool = True


class AudioInput(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A microphone; `rate` is its own rate in Hz."""

    name: str
    channels: int
    rate: int
    default: bool = False


class Segment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A stretch of speech as text: `start` and `end` in seconds from the beginning of the audio, and the model's own
    confidence. `temperature`: of the decode that gave the text; `tried`: of every decode in turn, if the first was
    rejected. `mark`: what looks wrong with a segment that was kept."""

    start: float
    end: float
    text: str
    no_speech_prob: float = 0.0
    avg_logprob: float = 0.0
    compression_ratio: float = 0.0
    temperature: float = 0.0
    mark: str = ""
    tried: tuple[float, ...] = ()


class DroppedSegment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A segment that was removed from the transcript, and why; `detail`: the numbers that decided."""

    segment: Segment
    reason: DropReason
    detail: str = ""


class UtteranceTiming(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One utterance of a dictation, in seconds. It ended at `end_s` of the audio. `vad_s`: from there until the pause
    was seen (or the microphone closed); `wait_s`: until the decoder was free; `decode_s`: the decode whose text was
    final; `final_s`: end of speech to final text, all of these together."""

    end_s: float
    vad_s: float
    wait_s: float
    decode_s: float
    final_s: float


class SpeechModelFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Facts of the loaded recogniser."""

    name: str
    path: str
    device: str
    compute_type: str
    mels: int
    multilingual: bool
    window_s: float
    weights_bytes: int = 0
    load_s: float = 0.0
