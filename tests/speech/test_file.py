"""Sound files through a real worker and the bundled recogniser."""

from __future__ import annotations

import numpy as np
import pytest

from playground.protocol.commands import Abort, Transcribe
from playground.protocol.speech import SpeechOptions
from playground.protocol.speech_events import SpeechModelLoaded, TranscriptFinished, TranscriptUpdated
from playground.speech.transcript import LOW_LOGPROB
from playground.speech.vad import RATE
from tests.speech.driver import OPTIONS
from tests.speech.speaking import (
    SPOKEN,
    UNHEARD,
    convert,
    hum,
    known_and_unheard,
    silence,
    speech,
    tones,
    white_noise,
    write_wav,
)

pytestmark = [pytest.mark.usefixtures("speaks"), pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3", ".opus"])
async def test_every_usual_format_is_heard(driver, tmp_path, suffix):
    path = write_wav(tmp_path / "said.wav", speech())
    if suffix != ".wav":
        path = convert(path, tmp_path / f"said{suffix}")
    done = await driver.transcribe(path)
    assert done.text == SPOKEN and done.reason == "stop" and done.language == "en"
    assert done.audio_seconds == pytest.approx(len(speech()) / RATE, abs=0.1)
    assert 0 < done.decode_s <= done.seconds and done.vad_s > 0


async def test_sentences_are_found_where_they_were_said_and_told_as_they_come(driver, tmp_path):
    sentences = [SPOKEN, "write a function that reverses a string", SPOKEN]
    parts = [speech(sentence) for sentence in sentences]
    gap = silence(2)
    path = write_wav(tmp_path / "said.wav", np.concatenate([x for part in parts for x in (part, gap)]))
    done = await driver.transcribe(path)
    starts = np.cumsum([0] + [len(part) / RATE + 2 for part in parts])[:3] + 0.3
    assert [segment.text for segment in done.segments] == sentences
    assert [segment.start for segment in done.segments] == pytest.approx(starts - 0.3, abs=0.3)
    updates = driver.all(TranscriptUpdated)
    assert [segment for update in updates for segment in update.segments] == done.segments
    assert updates[-1].position_s <= updates[-1].total_s == pytest.approx(done.audio_seconds, abs=0.1)


async def test_speech_with_no_pause_in_it_is_cut_and_not_lost(driver, tmp_path):
    sentences = [SPOKEN, "write a function that reverses a string"] * 4
    said = np.concatenate([speech(sentence)[4800:-4800] for sentence in sentences])
    done = await driver.transcribe(write_wav(tmp_path / "said.wav", said))
    assert len(done.segments) >= 2 and max(segment.end - segment.start for segment in done.segments) <= 10.1
    assert done.text.count("function") >= 6


@pytest.mark.parametrize("sound", [silence, white_noise, hum, tones], ids=lambda make: make.__name__)
async def test_ten_minutes_without_speech_hold_no_word(driver, tmp_path, sound):
    done = await driver.transcribe(write_wav(tmp_path / "nothing.wav", sound(600)))
    assert done.text == "" and done.segments == [] and done.audio_seconds == 600
    assert all(dropped.reason and dropped.detail for dropped in done.dropped)


async def test_what_is_unlikely_is_decoded_again_at_higher_temperatures_and_the_rest_is_not(driver, tmp_path):
    """Of sentences that the bundled recogniser has never heard it refuses some, in a batch too; which of them hangs on
    the last bits of a CPU's sums."""
    path = write_wav(tmp_path / "said.wav", known_and_unheard())
    once = await driver.transcribe(path, SpeechOptions(model=OPTIONS.model, beam=1, temperatures=(0.0,)))
    refused = [at for at, segment in enumerate(once.segments) if segment.avg_logprob < LOW_LOGPROB]
    assert len(once.segments) == 1 + len(UNHEARD) and refused and 0 not in refused
    assert once.segments[0].text == SPOKEN and not any(segment.tried for segment in once.segments)
    done = await driver.transcribe(path, SpeechOptions(model=OPTIONS.model, beam=1, temperatures=(0.0, 0.2, 0.6)))
    for at, (first, second) in enumerate(zip(once.segments, done.segments, strict=True)):
        if at not in refused:
            assert second == first
            continue
        assert second.tried in ((0.0, 0.2), (0.0, 0.2, 0.6)) and second.temperature in second.tried
        if second.temperature:  # of texts that are all refused the likeliest is taken
            assert second.avg_logprob > first.avg_logprob
        else:
            assert second.text == first.text and len(second.tried) == 3


async def test_a_first_temperature_above_zero_is_not_passed_over(driver, tmp_path):
    path = write_wav(tmp_path / "said.wav", speech())
    done = await driver.transcribe(path, SpeechOptions(model=OPTIONS.model, temperatures=(0.4,)))
    [segment] = done.segments
    assert (segment.temperature, segment.tried) == (0.4, ())


async def test_the_model_is_loaded_once_and_another_in_its_place(driver, tmp_path):
    path = write_wav(tmp_path / "said.wav", speech())
    for compute_type in ("float32", "float32", "int8_float32"):
        await driver.transcribe(path, SpeechOptions(model=OPTIONS.model, compute_type=compute_type))
    assert [event.facts.compute_type for event in driver.all(SpeechModelLoaded)] == ["float32", "int8_float32"]


async def test_a_transcription_can_be_stopped_and_keeps_what_it_has(driver, tmp_path):
    path = write_wav(tmp_path / "long.wav", np.tile(np.concatenate([speech(), silence(1)]), 60))
    driver.send(Transcribe(key="long", path=str(path), options=SpeechOptions(model=OPTIONS.model, batch=1)))
    await driver.until(TranscriptUpdated)
    driver.send(Abort())
    done = await driver.until(TranscriptFinished)
    assert done.reason == "abort" and 0 < len(done.segments) < 60 and SPOKEN in done.text
    assert (await driver.transcribe(write_wav(tmp_path / "said.wav", speech()))).text == SPOKEN
