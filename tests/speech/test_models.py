"""Recognisers in the published layout, with 80 and with 128 mel bands, and two hours of sound."""

from __future__ import annotations

import asyncio
import wave

import numpy as np
import psutil
import pytest

from playground.protocol.events import SpeechModelLoaded, WorkerReady
from playground.protocol.speech import SpeechOptions
from playground.speech.model_files import mels, window_s
from playground.speech.vad import RATE
from tests.speech.conftest import MODEL
from tests.speech.speaking import silence, speech, white_noise, write_wav
from tests.speech.stock import make_stock_whisper

pytestmark = pytest.mark.usefixtures("speaks")
MIB = 1 << 20


@pytest.mark.parametrize("bands", [80, 128])
async def test_a_stock_whisper_loads_and_runs(ear, tmp_path, bands):
    folder = make_stock_whisper(tmp_path, bands)
    assert (mels(folder), window_s(folder)) == (bands, 30)
    options = SpeechOptions(model=str(folder), temperatures=(0.0, 0.4), beam=2)
    done = await ear.transcribe(write_wav(tmp_path / "said.wav", speech()), options)
    facts = ear.all(SpeechModelLoaded)[-1].facts
    assert (facts.mels, facts.window_s, facts.name) == (bands, 30, f"whisper-{bands}")
    assert done.language and len(done.segments) + len(done.dropped) == 1


@pytest.mark.slow
async def test_two_hours_take_the_memory_of_two_minutes(ear, tmp_path):
    spoken = np.concatenate([speech(), 0.01 * white_noise(10), silence(60)])[: 60 * RATE]
    short = write_wav(tmp_path / "short.wav", np.tile(spoken, 2))
    with wave.open(str(tmp_path / "long.wav"), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        for _ in range(12):
            file.writeframes((spoken * 32767).astype("<i2").tobytes())
            file.writeframes(bytes(2 * 9 * 60 * RATE))
    worker = psutil.Process((await ear.until(WorkerReady)).pid)
    options = SpeechOptions(model=MODEL, batch=2)  # the memory of a decode grows with its batch
    await ear.transcribe(short, options)
    before = peak = worker.memory_info().rss
    waiting = asyncio.create_task(ear.transcribe(tmp_path / "long.wav", options))
    while not waiting.done():
        peak = max(peak, worker.memory_info().rss)
        await asyncio.sleep(0.05)
    assert waiting.result().audio_seconds == 7200 and len(waiting.result().segments) == 12
    # As one array of floats the two hours would take 440 MiB.
    assert peak - before < 100 * MIB
