"""Screen 1 on a real speech worker: the first file of a session, and a worker that cannot be had."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from playground.protocol.commands import ListInputs, StartListening
from playground.protocol.speech import Segment, SpeechOptions
from playground.protocol.speech_events import MicrophoneChanged, TranscriptUpdated
from playground.tui.widgets.prompt import Prompt
from tests.speech.speaking import silence, write_wav
from tests.tui.cells import shown
from tests.tui.conftest import Opened, Wait


async def test_the_first_file_of_a_session_has_its_bar_and_esc(opened: Opened, until: Wait, tmp_path: Path) -> None:
    path = write_wav(tmp_path / "long.wav", silence(60))
    async with opened() as (app, pilot):
        voice = app.bridge.state.voice
        app.screen.query_one(Prompt).insert(str(path))
        await pilot.press("enter")
        await until(pilot, lambda: voice.capabilities)
        assert voice.busy and not voice.finished
        await until(pilot, lambda: "transcribing" in shown(app) and "Esc stops" in shown(app))
        await pilot.press("escape")
        await until(pilot, lambda: voice.finished and "transcribing" not in shown(app))


async def test_a_worker_that_cannot_be_started_is_told_and_can_be_mended(
    opened: Opened, until: Wait, tmp_path: Path
) -> None:
    async with opened() as (app, pilot):
        client, voice = app.voice.bridge._client, app.bridge.state.voice
        client._python = str(tmp_path / "python")
        await pilot.press("ctrl+t")
        await until(pilot, lambda: "python: No such file or directory" in " ".join(shown(app).split()))
        assert not voice.busy
        client._python = sys.executable
        await pilot.press("ctrl+t")
        await until(pilot, lambda: voice.capabilities)


async def test_the_voice_overlay_says_why_there_are_no_microphones(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        client = app.voice.bridge._client
        client._python = "/nowhere/python"  # short, so that the overlay cuts nothing
        await pilot.press("f9")
        await until(pilot, lambda: "python: No such file or directory" in " ".join(shown(app).split()))
        assert "looking for microphones" not in shown(app)
        await pilot.press("escape")
        client._python = "/bin/false"
        await pilot.press("f9")
        await until(pilot, lambda: "the speech process ended unexpectedly" in shown(app))
        await pilot.press("escape")
        client._python = sys.executable
        await pilot.press("f9")
        await until(pilot, lambda: app.bridge.state.voice.listed)
        await until(pilot, lambda: "the speech process ended unexpectedly" not in shown(app))


async def test_what_was_dictated_is_kept_where_the_worker_dies(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        bridge, prompt = app.bridge, app.screen.query_one(Prompt)
        await app.voice.bridge.send(ListInputs())
        await until(pilot, lambda: bridge.state.voice.capabilities)
        bridge.add_command(StartListening(key="v", options=SpeechOptions(model="m")))
        bridge.add_event(MicrophoneChanged(state="open", input="mic", rate=16000))
        bridge.add_event(TranscriptUpdated(key="v", segments=[Segment(start=0, end=1, text="write a function")]))
        bridge.add_event(TranscriptUpdated(key="v", confirmed="that adds", partial="to"))
        os.killpg(app.voice.bridge._client._process.pid, signal.SIGKILL)
        await until(pilot, lambda: "the speech process ended unexpectedly" in shown(app))
        assert prompt.text == "write a function that adds"
