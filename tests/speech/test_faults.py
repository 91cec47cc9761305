"""What a user reads when speech cannot be had: one line of what happened, one of what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from playground.protocol.commands import StopListening, Transcribe
from playground.protocol.speech import SpeechOptions
from playground.speech.inputs import cannot_open, no_microphone
from tests.speech.driver import MODEL, OPTIONS
from tests.speech.speaking import silence, speech, write_wav

WITHOUT_PORTAUDIO = """
import ctypes.util
ctypes.util.find_library = lambda name: None
from playground.speech.faults import SpeechError
from playground.speech.inputs import portaudio
try:
    portaudio()
except SpeechError as error:
    print(error.message, '|', error.advice)
"""


def test_without_the_portaudio_library():
    run = subprocess.run([sys.executable, "-c", WITHOUT_PORTAUDIO], capture_output=True, text=True, check=True)
    assert run.stdout.startswith("the PortAudio library is not installed") and "libportaudio2" in run.stdout
    assert "sound file" in run.stdout and run.stderr == ""


CONTENTS = {"version": "Linux version 5.15 (Microsoft@Microsoft.com)", "status": "state: RUNNING\nowner_pid   : 7\n"}


@pytest.mark.parametrize(
    ("environment", "files", "said"),
    [
        ({"SSH_CONNECTION": "a b"}, (), "an SSH session"),
        ({}, (".dockerenv",), "a container"),
        ({}, ("run/.containerenv",), "a container"),
        ({}, ("proc/version",), "WSL"),
        ({"SSH_TTY": "t"}, ("proc/asound/card0/pcm0c/sub0/status",), "another program holds it"),
        ({}, ("proc/asound/card0/pcm0p/sub0/status",), "no microphone was found"),
        ({}, (), "no microphone was found"),
    ],
)
def test_without_a_microphone_the_reason_is_told(tmp_path, environment, files, said):
    for name in files:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(CONTENTS.get(path.name, ""))
    error = no_microphone(environment, tmp_path)
    assert said in error.message and "sound file" in error.advice
    assert "\n" not in error.message + error.advice


@pytest.mark.parametrize(
    ("number", "said"),
    [(-9985, "is busy"), (-9996, "does not answer"), (-9997, "takes no rate"), (-9988, "cannot be opened: Oh no")],
)
def test_a_device_that_cannot_be_opened(number, said):
    sounddevice = pytest.importorskip("sounddevice", exc_type=OSError)
    error = cannot_open("USB mic", sounddevice.PortAudioError("Oh\nno", number))
    assert error.message.startswith("USB mic ") and said in error.message and "sound file" in error.advice


@pytest.mark.asyncio(loop_scope="session")
async def test_files_that_cannot_be_transcribed(driver, tmp_path):
    for name, text in (("empty.wav", ""), ("prose.mp3", "no sound at all"), ("cut.wav", "RIFF\x00\x00\x00\x00WAVE")):
        (tmp_path / name).write_text(text)
        fault = await driver.fault(Transcribe(key="f", path=str(tmp_path / name), options=OPTIONS))
        assert fault.where == "Transcribe" and fault.message == f"{name} is no sound file that can be read"
    missing = await driver.fault(Transcribe(key="f", path=str(tmp_path / "no.wav"), options=OPTIONS))
    assert missing.message.endswith("no.wav does not exist")
    folder = await driver.fault(Transcribe(key="f", path=str(tmp_path), options=OPTIONS))
    assert folder.message.endswith("is no file")
    assert (await driver.fault(StopListening())).message == "no microphone is open"


@pytest.mark.asyncio(loop_scope="session")
async def test_models_that_cannot_be_loaded(driver, tmp_path, monkeypatch):
    sound = str(write_wav(tmp_path / "sound.wav", silence(0.1)))

    async def fault(**options) -> tuple[str, str]:
        options = {"model": MODEL} | options
        failed = await driver.fault(Transcribe(key="f", path=sound, options=SpeechOptions(**options)))
        return failed.message, failed.advice

    assert (await fault(model=""))[0] == "no recogniser is named"
    assert (await fault(model="/nowhere"))[0] == "/nowhere does not exist"
    assert "large-v3" in (await fault(model="gigantic"))[1]
    assert "is missing" in (await fault(model=str(tmp_path)))[0]
    (tmp_path / "model.safetensors").touch()
    message, advice = await fault(model=str(tmp_path))
    assert "transformers checkpoint" in message and "ct2-transformers-converter" in advice
    broken = tmp_path / "broken"
    broken.mkdir()
    for path in Path(MODEL).iterdir():
        (broken / path.name).write_bytes(path.read_bytes() if path.suffix == ".json" else path.read_bytes()[:1000])
    assert "broken cannot be loaded" in (await fault(model=str(broken)))[0]
    assert "cpu does not compute in int4; it takes default" in "; ".join(await fault(compute_type="int4"))
    assert "cannot run on tpu" in (await fault(device="tpu"))[0]


@pytest.mark.usefixtures("speaks")
@pytest.mark.asyncio(loop_scope="session")
async def test_a_language_that_the_model_does_not_know(driver, tmp_path):
    path = str(write_wav(tmp_path / "said.wav", speech()))
    options = SpeechOptions(model=MODEL, language="ru")
    failed = await driver.fault(Transcribe(key="f", path=path, options=options))
    assert failed.message == "tiny-whisper knows English alone, not 'ru'"
    assert (await driver.transcribe(path)).text


@pytest.mark.asyncio(loop_scope="session")
async def test_a_model_that_is_not_in_the_cache_when_there_is_no_network(tmp_path, monkeypatch, driver_with):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    driver = await driver_with()
    sound = str(write_wav(tmp_path / "sound.wav", silence(0.1)))
    failed = await driver.fault(Transcribe(key="f", path=sound, options=SpeechOptions(model="small")))
    assert failed.message.startswith("small is not in the hub's cache and cannot be fetched")
    assert os.sep not in failed.advice
