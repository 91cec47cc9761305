"""Recognisers in the published layout, with 80 and with 128 mel bands, and two hours of sound."""

from __future__ import annotations

import asyncio
import wave

import numpy as np
import psutil
import pytest
from faster_whisper import WhisperModel

from playground.protocol.commands import Transcribe
from playground.protocol.speech import SpeechOptions
from playground.protocol.speech_events import SpeechModelLoaded
from playground.speech.model_files import mels, window_s
from playground.speech.transcript import HIGH_COMPRESSION
from playground.speech.vad import RATE
from tests.speech.driver import MODEL
from tests.speech.speaking import silence, speech, white_noise, write_wav
from tests.speech.stock import LANGUAGES, make_stock_whisper

pytestmark = [pytest.mark.usefixtures("speaks"), pytest.mark.asyncio(loop_scope="session")]
MIB = 1 << 20


@pytest.mark.parametrize("bands", [80, 128])
async def test_a_stock_whisper_loads_and_hears_which_language_it_is(driver, tmp_path, bands):
    folder = make_stock_whisper(tmp_path, bands)
    assert (mels(folder), window_s(folder)) == (bands, 30)
    said = write_wav(tmp_path / "said.wav", speech())
    options = SpeechOptions(model=str(folder), temperatures=(0.0, 0.4), beam=2)
    done = await driver.transcribe(said, options)
    facts = driver.all(SpeechModelLoaded)[-1].facts
    assert (facts.mels, facts.multilingual, facts.window_s, facts.name) == (bands, True, 30, f"whisper-{bands}")
    # Random weights write one word over and over at 0, which a gate refuses, and any words at all at 0.4.
    [again] = done.segments
    assert (again.tried, again.temperature) == ((0.0, 0.4), 0.4) and again.compression_ratio < HIGH_COMPRESSION
    # Random weights hear any language: it is one of the model's, and the model says how sure it is.
    heard = WhisperModel(str(folder), device="cpu").detect_language(speech())
    assert done.language in dict(heard[2]) and len(heard[2]) == LANGUAGES[bands]
    assert 0 < done.language_probability < 1
    told = await driver.transcribe(said, SpeechOptions(model=str(folder), language="ru", temperatures=(0.0,), beam=1))
    assert (told.language, told.language_probability) == ("ru", None)
    [loop] = told.dropped
    assert loop.reason == "looping" and (loop.segment.tried, loop.segment.temperature) == ((), 0.0)
    assert loop.segment.compression_ratio > HIGH_COMPRESSION and loop.segment.text != again.text
    unknown = SpeechOptions(model=str(folder), language="xx")
    fault = await driver.fault(Transcribe(key="f", path=str(said), options=unknown))
    assert "knows no language 'xx'" in fault.message and "ru" in fault.advice


async def test_a_stock_whisper_of_english_alone_hears_english(driver, tmp_path):
    folder = make_stock_whisper(tmp_path, 80, english=True)
    said = write_wav(tmp_path / "said.wav", speech())
    done = await driver.transcribe(said, SpeechOptions(model=str(folder), temperatures=(0.0,), beam=1))
    assert not driver.all(SpeechModelLoaded)[-1].facts.multilingual
    assert (done.language, done.language_probability) == ("en", None)
    russian = SpeechOptions(model=str(folder), language="ru")
    fault = await driver.fault(Transcribe(key="f", path=str(said), options=russian))
    assert fault.message == "whisper-80.en knows English alone, not 'ru'"


@pytest.mark.slow
async def test_two_hours_take_the_memory_of_two_minutes(driver, tmp_path):
    spoken = np.concatenate([speech(), 0.01 * white_noise(10), silence(60)])[: 60 * RATE]
    short = write_wav(tmp_path / "short.wav", np.tile(spoken, 2))
    with wave.open(str(tmp_path / "long.wav"), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        for _ in range(12):
            file.writeframes((spoken * 32767).astype("<i2").tobytes())
            file.writeframes(bytes(2 * 9 * 60 * RATE))
    worker = psutil.Process(driver.pid)
    options = SpeechOptions(model=MODEL, batch=2)  # the memory of a decode grows with its batch
    await driver.transcribe(short, options)
    before = peak = worker.memory_info().rss
    waiting = asyncio.create_task(driver.transcribe(tmp_path / "long.wav", options))
    while not waiting.done():
        peak = max(peak, worker.memory_info().rss)
        await asyncio.sleep(0.05)
    assert waiting.result().audio_seconds == 7200 and len(waiting.result().segments) == 12
    # As one array of floats the two hours would take 440 MiB.
    assert peak - before < 100 * MIB
