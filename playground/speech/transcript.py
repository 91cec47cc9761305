"""Decides which segments of a transcript to believe: a chain of gates, the surest first, each drop with its reason.
Knows text and numbers; no audio, no model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from playground.protocol.speech import DroppedSegment, DropReason, Segment
from playground.speech.known_phrases import find_known_phrase, normalized

QUIET_DB = -55.0  # of the loudest tenth of a second: below it there is no speech meant for the microphone
LEAST_SPEECH_S = 0.1
NO_SPEECH, LOW_LOGPROB = 0.6, -1.0  # Whisper's own pair: only both together mean silence
HIGH_COMPRESSION = 2.4
LOOP_TIMES, LOOP_WORDS, LOOP_SHARE = 4, 8, 0.6
DOUBTFUL_NO_SPEECH, DOUBTFUL_LOGPROB, DOUBTFUL_DB = 0.3, -0.7, QUIET_DB + 10


@dataclass(frozen=True)
class Heard:
    """A segment and its audio: `loudness_db` of the loudest tenth of a second, in dB of full scale, and `speech_s` in
    which the VAD heard speech. None: not known, as for a transcript from a file."""

    segment: Segment
    loudness_db: float | None = None
    speech_s: float | None = None
    language: str = ""


Vote = tuple[DropReason, str]
Gate = Callable[[Heard], Vote | None]


def judge(heard: Heard) -> DroppedSegment | None:
    """None if the segment is kept, else the segment with the reason of the first gate that it fails."""
    return judge_audio(heard) or _first_vote(heard, TEXT_GATES)


def judge_audio(heard: Heard) -> DroppedSegment | None:
    """The gates that need no text: a segment that fails them need not be transcribed."""
    return _first_vote(heard, AUDIO_GATES)


def _first_vote(heard: Heard, gates: tuple[Gate, ...]) -> DroppedSegment | None:
    for gate in gates:
        if vote := gate(heard):
            return DroppedSegment(segment=heard.segment, reason=vote[0], detail=vote[1])
    return None


def _quiet(heard: Heard) -> Vote | None:
    if heard.loudness_db is None or heard.loudness_db >= QUIET_DB:
        return None
    return "quiet", f"{heard.loudness_db:.0f} dB at its loudest, under {QUIET_DB:.0f} dB"


def _voiceless(heard: Heard) -> Vote | None:
    if heard.speech_s is None or heard.speech_s >= LEAST_SPEECH_S:
        return None
    return "no speech", f"the VAD heard {heard.speech_s * 1000:.0f} ms of speech, under {LEAST_SPEECH_S * 1000:.0f} ms"


def _empty(heard: Heard) -> Vote | None:
    return None if any(map(str.isalnum, heard.segment.text)) else ("empty", "the model wrote no word")


def _unsure(heard: Heard) -> Vote | None:
    segment = heard.segment
    if segment.no_speech_prob <= NO_SPEECH or segment.avg_logprob >= LOW_LOGPROB:
        return None
    return "unsure", f"no speech {segment.no_speech_prob:.2f}, log-probability {segment.avg_logprob:.2f}"


def _compressible(heard: Heard) -> Vote | None:
    ratio = heard.segment.compression_ratio
    return ("looping", f"compresses {ratio:.1f} times, over {HIGH_COMPRESSION}") if ratio > HIGH_COMPRESSION else None


def _looping(heard: Heard) -> Vote | None:
    phrase, times = find_loop(heard.segment.text)
    return ("looping", f"{phrase!r} {times} times in a row") if times else None


def _known(heard: Heard) -> Vote | None:
    """Drop a known phrase only if something else is doubtful too, since people do say it."""
    segment = heard.segment
    doubtful = (
        segment.no_speech_prob > DOUBTFUL_NO_SPEECH
        or segment.avg_logprob < DOUBTFUL_LOGPROB
        or (heard.loudness_db is not None and heard.loudness_db < DOUBTFUL_DB)
    )
    phrase = find_known_phrase(segment.text, heard.language) if doubtful else ""
    return ("known phrase", f"{phrase!r} is what Whisper writes on silence") if phrase else None


AUDIO_GATES: tuple[Gate, ...] = (_quiet, _voiceless)
TEXT_GATES: tuple[Gate, ...] = (_empty, _unsure, _compressible, _looping, _known)


def find_loop(text: str) -> tuple[str, int]:
    """(phrase, times) of the phrase that most of `text` repeats; ("", 0) without one. A short phrase said a few times
    is not a loop: people do say `no no no no`."""
    words = normalized(text).split()
    start, length, times = loop_span(words)
    return " ".join(words[start : start + length]), times


def loop_span(words: list[str]) -> tuple[int, int, int]:
    """The loop of `find_loop` as (first word, words of the phrase, times); 0, 0, 0 without one."""
    for length in range(1, len(words) // LOOP_TIMES + 1):
        start, times = _longest_run(words, length)
        covered = times * length
        if times >= LOOP_TIMES and covered >= max(LOOP_WORDS, LOOP_SHARE * len(words)):
            return start, length, times
    return 0, 0, 0


def _longest_run(words: list[str], length: int) -> tuple[int, int]:
    """(start, times) of the longest run of one phrase of `length` words."""
    best, start = (0, 1), 0
    same = 0  # words equal to those one phrase earlier
    for index in range(length, len(words)):
        same = same + 1 if words[index] == words[index - length] else 0
        if same == 1:
            start = index - length
        if same // length + 1 > best[1]:
            best = (start, same // length + 1)
    return best


def joined(segments: list[Segment]) -> str:
    """The texts of segments, joined."""
    return " ".join(segment.text.strip() for segment in segments if segment.text.strip())
