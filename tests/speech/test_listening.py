"""A virtual microphone, the real sounddevice, a real worker, the bundled recogniser."""

from __future__ import annotations

import asyncio
import wave
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from playground.protocol.commands import ListInputs, StartListening, StopListening
from playground.protocol.speech import SpeechOptions
from playground.protocol.speech_events import (
    AudioLevel,
    InputsListed,
    MicrophoneChanged,
    SpeechModelLoaded,
    TranscriptFinished,
    TranscriptUpdated,
)
from playground.speech import inputs, recorder
from playground.speech import microphone as opening
from playground.speech.faults import SpeechError
from playground.speech.utterances import UtteranceCutter
from playground.speech.vad import RATE
from tests.speech.driver import OPTIONS
from tests.speech.speaking import SPOKEN, silence, speech

pytestmark = [pytest.mark.usefixtures("speaks", "microphone"), pytest.mark.asyncio(loop_scope="session")]


class Unstartable:
    """PortAudio's library on a machine whose sound system breaks."""

    def __init__(self, library) -> None:
        self._library = library

    def __getattr__(self, name):
        return getattr(self._library, name)

    def Pa_Initialize(self) -> int:
        return inputs.UNANTICIPATED


async def listen(driver, **command) -> None:
    driver.send(StartListening(key="talk", options=OPTIONS, **command))
    await driver.until(AudioLevel)


async def said(process) -> None:
    while process.poll() is None:
        await asyncio.sleep(0.05)


async def stop(driver) -> TranscriptFinished:
    since = len(driver.events)
    driver.send(StopListening())
    return await driver.until(TranscriptFinished, since=since)


async def test_what_is_said_is_heard_word_by_word_and_then_whole(driver, microphone):
    await listen(driver)
    await said(microphone.say(np.concatenate([speech(speed=110), silence(1)])))
    await driver.until(TranscriptUpdated, lambda update: update.segments)
    done = await stop(driver)
    assert done.text == SPOKEN and done.dropped == [] and done.language == "en"
    growing = [update for update in driver.all(TranscriptUpdated) if not update.segments]
    assert any(update.partial or update.confirmed for update in growing)
    for sooner, later in pairwise(update.confirmed for update in growing):
        assert later.startswith(sooner)
    assert all(update.lag_s > 0 for update in growing)
    assert [event.state for event in driver.all(MicrophoneChanged)] == ["open", "closed"]
    levels = [level.rms_db for level in driver.all(AudioLevel)]
    assert min(levels) < -60 < -30 < max(levels)


async def test_the_final_text_comes_one_decode_after_the_end_of_speech(driver, microphone):
    await listen(driver)
    await said(microphone.say(np.concatenate([speech(), silence(0.2)] * 5)))
    done = await stop(driver)
    assert [segment.text for segment in done.segments] == [SPOKEN] * 5
    assert all(timing.vad_s >= 0 and timing.wait_s >= 0 and timing.decode_s > 0 for timing in done.timings)
    assert median(timing.final_s - timing.decode_s for timing in done.timings) <= 0.15


async def test_closing_in_mid_word_gives_what_was_said(driver, microphone):
    await listen(driver)
    player = microphone.say(speech(speed=110))
    heard = await driver.until(AudioLevel, lambda level: level.speech)
    await driver.until(AudioLevel, lambda level: level.seconds > heard.seconds + 1.5)
    done = await stop(driver)
    player.kill()
    player.wait()
    assert done.text.startswith("write a function") and "numbers" not in done.text
    assert len(done.timings) == 1 and done.audio_seconds < heard.seconds + 2.5


async def test_silence_is_listened_to_without_a_word(driver, microphone):
    await listen(driver)
    await said(microphone.say(silence(2)))
    done = await stop(driver)
    assert done.text == "" and done.segments == done.dropped == done.timings == []


async def test_a_microphone_that_is_pulled_out_is_found_again_and_nothing_is_lost(driver, microphone):
    await listen(driver)
    await said(microphone.say(np.concatenate([speech(), silence(1)])))
    await driver.until(TranscriptUpdated, lambda update: update.segments)
    microphone.stop()
    lost = await driver.until(MicrophoneChanged, lambda event: event.state == "lost")
    assert "until it is back" in lost.note
    microphone.start()
    since = len(driver.events)
    await driver.until(MicrophoneChanged, lambda event: event.state == "open", since)
    await said(microphone.say(np.concatenate([speech(), silence(1)])))
    done = await stop(driver)
    assert [segment.text for segment in done.segments] == [SPOKEN] * 2 and done.reason == "stop"


@pytest.mark.slow
async def test_a_sound_server_that_stalls_holds_up_no_stop_and_is_heard_again_afterwards(driver, microphone):
    await listen(driver)
    await said(microphone.say(np.concatenate([speech(), silence(1)])))
    await driver.until(TranscriptUpdated, lambda update: update.segments)
    microphone.stall()
    try:
        await driver.until(MicrophoneChanged, lambda event: event.state == "lost")
        async with asyncio.timeout(3):
            assert (await stop(driver)).text == SPOKEN
        refused = await driver.fault(StartListening(key="early", options=OPTIONS))
        assert refused.message == "the sound system does not answer" and "sound file" in refused.advice
    finally:
        microphone.resume()
    since = len(driver.events)
    await listen(driver)
    await driver.until(MicrophoneChanged, lambda event: event.state == "open", since)
    assert (await stop(driver)).reason == "stop"


@pytest.mark.slow
async def test_a_dictation_outlives_a_sound_server_that_stalls(driver, microphone):
    await listen(driver)
    microphone.stall()
    try:
        await driver.until(MicrophoneChanged, lambda event: event.state == "lost")
        await asyncio.sleep(2)
    finally:
        microphone.resume()
    async with asyncio.timeout(8):
        await driver.until(MicrophoneChanged, lambda event: event.state == "open", len(driver.events))
    await said(microphone.say(np.concatenate([speech(), silence(1)])))
    done = await stop(driver)
    assert done.text == SPOKEN and done.reason == "stop"


async def test_audio_is_kept_only_when_asked(driver, microphone, tmp_path):
    kept = tmp_path / "kept" / "talk.wav"
    await listen(driver, keep_audio=str(kept))
    await said(microphone.say(np.concatenate([speech(), silence(1)])))
    done = await stop(driver)
    with wave.open(str(kept)) as file:
        assert file.getnframes() / RATE == pytest.approx(done.audio_seconds, abs=0.05)
    assert (await driver.transcribe(kept)).text == SPOKEN
    since = len(driver.events)
    await listen(driver)
    await stop(driver)
    assert list(kept.parent.iterdir()) == [kept] and len(driver.events) > since


async def test_the_microphones_are_listed_and_one_can_be_chosen(driver, microphone):
    driver.send(ListInputs())
    listed = await driver.until(InputsListed)
    names = [device.name for device in listed.inputs]
    assert "pulse" in names and sum(device.default for device in listed.inputs) == 1 and listed.message == ""
    await listen(driver, input="pulse")
    assert (await driver.until(MicrophoneChanged)).input == "pulse"
    assert "close it first" in (await driver.fault(ListInputs())).advice
    assert (await driver.fault(StartListening(key="again", options=OPTIONS))).message == "a microphone is open already"
    await stop(driver)
    missing = await driver.fault(StartListening(key="talk", options=OPTIONS, input="no such thing"))
    assert missing.message == "no microphone is called 'no such thing' now" and "pulse" in missing.advice


async def test_a_model_that_cannot_be_loaded_closes_the_microphone(driver, microphone):
    fault = await driver.fault(StartListening(key="talk", options=SpeechOptions(model="/nowhere")))
    assert (fault.where, fault.message) == ("StartListening", "/nowhere does not exist")
    done = await driver.until(TranscriptFinished, since=driver.events.index(fault) + 1)
    assert done.reason == "error" and driver.all(MicrophoneChanged)[-1].state == "closed"
    since = len(driver.events)
    driver.send(StartListening(key="talk", options=OPTIONS))
    await driver.until(SpeechModelLoaded, since=since)
    assert (await stop(driver)).reason == "stop"


async def test_the_microphone_does_not_outlive_its_worker(driver_with, microphone):
    driver = await driver_with()
    await listen(driver)
    assert microphone.listeners() == 1
    await stop(driver)
    assert microphone.listeners() == 0
    await listen(driver)
    driver.client.kill()
    await asyncio.sleep(0.5)
    assert microphone.listeners() == 0


async def test_without_a_device_the_reason_is_told_and_the_log_alone_hears_alsa(driver, microphone):
    for descriptor in (1, 2):
        assert Path(f"/proc/{driver.pid}/fd/{descriptor}").resolve() == driver.log
    microphone.stop()
    driver.send(ListInputs())
    listed = await driver.until(InputsListed)
    fault = await driver.fault(StartListening(key="talk", options=OPTIONS))
    assert listed.inputs == [] and (listed.message, listed.advice) == (fault.message, fault.advice)
    assert "no microphone" in fault.message and "sound file" in fault.advice


async def test_what_a_stalled_reader_leaves_behind_is_lost_and_counted(microphone, monkeypatch):
    monkeypatch.setattr(opening, "HELD_S", 0.3)
    device = recorder.Recorder(lambda: None)
    async with asyncio.timeout(10):
        while not device.lost_s > 0.5:
            await asyncio.sleep(0.05)
    kept = device.read()
    rest = device.close()
    assert len(kept) / RATE <= 0.3 and device.overflows > 0 and device.lost_s > 0.5
    assert device.read_s == pytest.approx((len(kept) + len(rest)) / RATE)


async def test_portaudio_that_fails_to_start_once_is_started_again(microphone, monkeypatch):
    sounddevice = inputs.portaudio()
    with monkeypatch.context() as patch:
        patch.setattr(sounddevice, "_lib", Unstartable(sounddevice._lib))
        with pytest.raises(SpeechError, match="the sound system does not start: Error initializing PortAudio"):
            recorder.Recorder(lambda: None)
    recorder.Recorder(lambda: None).close()


async def test_a_device_is_heard_at_its_own_rate(microphone, decoder, monkeypatch):
    monkeypatch.setattr(opening, "_takes", lambda *rate: False)
    heard = []
    device = recorder.Recorder(lambda: None)
    assert device.rate == 44_100
    player = microphone.say(speech())
    while player.poll() is None:
        await asyncio.sleep(0.05)
        heard.append(device.read())
    heard.append(device.close())
    assert sum(map(len, heard)) / RATE == pytest.approx(device.read_s)
    cutter = UtteranceCutter(10)
    utterances = [*cutter.feed(np.concatenate(heard)), *cutter.flush()]
    [segment] = decoder.transcriber.decode(utterances, OPTIONS, "en")
    assert segment.text == SPOKEN
