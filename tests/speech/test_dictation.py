"""The streaming policy on the real recogniser: what it does where the machine, or the model, is too slow."""

from __future__ import annotations

from time import perf_counter, sleep

import numpy as np
import pytest

from playground.protocol.speech_events import TranscriptUpdated
from playground.speech import dictation
from playground.speech.dictation import Dictation
from playground.speech.vad import RATE
from tests.speech.driver import OPTIONS
from tests.speech.speaking import SPOKEN, silence, speech

pytestmark = pytest.mark.usefixtures("speaks")
PATIENCE_S = 30
PIECE = RATE // 2


class Spied:
    """A dictation whose audio came in `age_s` ago, and its updates."""

    def __init__(self, decoder, age_s: float = 0.0) -> None:
        self.updates: list[TranscriptUpdated] = []
        self.dictation = Dictation("d", OPTIONS, decoder, self.updates.append, lambda seconds: perf_counter() - age_s)

    def step_until(self, condition) -> None:
        deadline = perf_counter() + PATIENCE_S
        while not condition():
            assert perf_counter() < deadline, self.updates
            self.dictation.step()
            sleep(0.005)


def test_a_machine_too_slow_for_words_gives_whole_utterances_and_says_so(decoder, monkeypatch):
    monkeypatch.setattr(dictation, "INTERVAL_S", 0.0)
    audio = np.concatenate([speech(speed=110), silence(1)])
    spy = Spied(decoder, age_s=dictation.MOST_LAG_S + 1)
    for at in range(0, len(audio), PIECE):
        before = len(spy.updates)
        spy.dictation.hear(audio[at : at + PIECE])
        if spy.dictation.speaking and at >= 2 * PIECE and not (spy.updates and spy.updates[-1].finals_only):
            spy.step_until(lambda before=before: len(spy.updates) > before)
    words = [update for update in spy.updates if not update.segments]
    assert [bool(update.finals_only) for update in words] == [False, True]
    assert "a decode takes" in words[-1].finals_only and "at each pause" in words[-1].finals_only
    spy.step_until(lambda: any(update.segments for update in spy.updates))
    [segment] = [segment for update in spy.updates for segment in update.segments]
    assert segment.text.startswith(words[-1].confirmed) and segment.text.endswith("adds two numbers")
    assert spy.updates[-1].lag_s > dictation.MOST_LAG_S


def test_speech_that_waits_too_long_for_the_model_goes_and_is_told(decoder, monkeypatch):
    audio = np.tile(np.concatenate([speech(), silence(1)]), 4)
    monkeypatch.setattr(dictation, "MOST_WAITING_S", 1.5 * len(speech()) / RATE)
    spy = Spied(decoder)
    spy.dictation.hear(audio)
    assert spy.dictation.waiting_s > dictation.MOST_WAITING_S
    spy.step_until(lambda: not spy.dictation.waiting_s)
    done = spy.dictation.finish(0.0, 0.0)
    assert [drop.reason for drop in done.dropped] == ["too slow"] * 3 and "waited for the model" in done.dropped[
        0
    ].detail
    assert [segment.text for segment in done.segments] == [SPOKEN]
    assert done.segments[0].start > max(drop.segment.end for drop in done.dropped)


def test_words_of_an_utterance_that_is_over_are_not_shown_as_those_of_the_next(decoder, monkeypatch):
    monkeypatch.setattr(dictation, "INTERVAL_S", 0.0)
    audio = np.concatenate([speech(), silence(1)])
    spy = Spied(decoder)
    spy.dictation.hear(audio[: 3 * PIECE])
    spy.dictation.step()  # begins to read what there is
    spy.dictation.hear(audio[3 * PIECE :])
    spy.step_until(lambda: not spy.dictation.waiting_s and not spy.dictation._decodes)
    assert [segment.text for update in spy.updates for segment in update.segments] == [SPOKEN]
    assert all((update.confirmed, update.partial) == ("", "") for update in spy.updates)
