"""What comes between device and model: the ring buffer, and the cutting at pauses."""

from __future__ import annotations

from itertools import pairwise
from time import perf_counter, sleep

import numpy as np
import pytest

from playground.speech.ring_buffer import RingBuffer
from playground.speech.utterances import BEFORE_S, UtteranceCutter
from playground.speech.vad import FRAME, RATE, VoiceActivity, loudness_db
from tests.speech.speaking import SPOKEN, hum, silence, speech, tones, white_noise


def test_the_ring_keeps_the_newest_and_counts_what_it_lost():
    ring = RingBuffer(capacity=250, rate=100)
    for value in range(5):
        ring.write(np.full(100, value, np.float32), overflowed=value == 1)
    assert sorted(set(ring.read().tolist())) == [3, 4]
    assert ring.lost == 300 and ring.overflows == 4
    assert len(ring.read()) == 0


def test_the_ring_knows_when_audio_came_in():
    ring = RingBuffer(capacity=1000, rate=100)
    ring.write(np.zeros(100, np.float32))
    assert ring.time_of(1.0) == pytest.approx(perf_counter(), abs=0.1)
    assert ring.time_of(0.25) == pytest.approx(ring.time_of(1.0) - 0.75)
    assert 0 <= ring.quiet_s < 0.1


def test_audio_that_comes_late_was_heard_when_it_was_heard():
    ring = RingBuffer(capacity=1000, rate=100)
    ring.write(np.zeros(10, np.float32))
    heard = ring.time_of(0.1)
    sleep(0.3)
    ring.write(np.zeros(10, np.float32))
    ring.write(np.zeros(10, np.float32))
    assert ring.time_of(0.3) == pytest.approx(heard + 0.2, abs=0.01)
    ring.write(np.zeros(10, np.float32), overflowed=True)
    assert ring.time_of(0.4) == pytest.approx(perf_counter(), abs=0.05), "what was lost is not waited for"


@pytest.mark.usefixtures("speaks")
def test_heard_in_pieces_is_heard_as_a_whole():
    audio = speech() + 0.1 * white_noise(len(speech()) / RATE)  # never so quiet that the model is spared
    frames = audio[: len(audio) // FRAME * FRAME].reshape(-1, FRAME)
    whole, pieces = VoiceActivity(), VoiceActivity()
    heard = np.concatenate([pieces.probabilities(frames[at : at + 3]) for at in range(0, len(frames), 3)])
    assert heard == pytest.approx(whole.probabilities(frames), abs=0.02)
    assert heard.max() > 0.9


@pytest.mark.usefixtures("speaks")
@pytest.mark.parametrize("piece", [100, FRAME, 16_000, 10_000_000])
def test_utterances_are_the_same_whatever_the_pieces(piece):
    audio = np.concatenate([speech(), silence(1), speech(), silence(0.3), speech()])
    cutter = UtteranceCutter(longest_s=30)
    found = [each for at in range(0, len(audio), piece) for each in cutter.feed(audio[at : at + piece])]
    found += cutter.flush()
    length = len(speech()) / RATE
    assert [each.start_s for each in found] == pytest.approx([0, length + 1, 2 * length + 1.3], abs=0.2)
    for each in found:
        assert len(each.samples) == pytest.approx((each.end_s - each.start_s) * RATE)
        assert each.start_s < each.voice_end_s <= each.end_s and 1 < each.speech_s < length
        at = round(each.start_s * RATE)
        assert np.array_equal(each.samples[: RATE // 2], audio[at : at + RATE // 2])


@pytest.mark.usefixtures("speaks")
def test_speech_without_a_pause_is_cut_without_loss_and_memory_stays_small():
    said = np.tile(speech(SPOKEN)[4800:-4800], 12)
    cutter = UtteranceCutter(longest_s=5)
    found = []
    for at in range(0, len(said), 8000):
        found += cutter.feed(said[at : at + 8000])
        assert (cutter.open_s or 0) <= 5
    found += cutter.flush()
    assert max(each.end_s - each.start_s for each in found) <= 5
    assert all(later.start_s - sooner.end_s < BEFORE_S for sooner, later in pairwise(found))


@pytest.mark.parametrize("sound", [silence, white_noise, hum, tones], ids=lambda make: make.__name__)
def test_sounds_that_nobody_says_are_hardly_ever_speech(sound):
    cutter = UtteranceCutter(longest_s=30)
    found = [*cutter.feed(sound(60)), *cutter.flush()]
    assert sum(each.speech_s for each in found) < 1


def test_loudness_is_that_of_the_loudest_tenth_of_a_second():
    audio = np.zeros(RATE, np.float32)
    audio[3200:4800] = 0.1
    assert loudness_db(audio) == pytest.approx(-20, abs=0.01)
    assert loudness_db(audio[:0]) == loudness_db(silence(1)) == -100
