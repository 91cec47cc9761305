"""From a voice to code that runs: microphone, recogniser, prompt, model, all of them real, all of them bundled."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from textual import events
from textual.pilot import Pilot

from playground import paths
from playground.config import Settings, SpeechSettings
from playground.protocol.commands import GenerationRequest, SamplingParams, Submit
from playground.session.replay import read_recording
from playground.tui.app import PlaygroundApp
from playground.tui.widgets.notice import Notice
from playground.tui.widgets.prompt import Prompt
from playground.tui.widgets.voice_bar import VoiceBar
from playground.tui.widgets.waterfall import Waterfall
from tests.speech.speaking import SPOKEN, silence, speech, write_wav

pytestmark = pytest.mark.usefixtures("speaks")
PATIENCE_S = 120


@pytest.fixture(autouse=True)
def own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))


async def until(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    for _ in range(PATIENCE_S * 20):
        if condition():
            await pilot.pause()
            return
        await pilot.pause(0.05)
    raise AssertionError("waited in vain")


@asynccontextmanager
async def opened(engine: str = "transformers", **settings) -> AsyncIterator[tuple[PlaygroundApp, Pilot[None]]]:
    app = PlaygroundApp(engine=engine, keep_history=False, settings=Settings(speech=SpeechSettings(**settings)))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.bridge.state.facts)
        yield app, pilot


async def test_what_is_said_becomes_code_that_adds(microphone):
    async with opened() as (app, pilot):
        state, prompt = app.bridge.state, app.screen.query_one(Prompt)
        bar = app.screen.query_one(VoiceBar)
        assert not bar.display and not state.voice.open
        await pilot.press("ctrl+t")
        await until(pilot, lambda: state.voice.level)
        assert bar.display and state.voice.open
        player = microphone.say(np.concatenate([speech(), silence(0.8)]))
        await until(pilot, lambda: player.poll() is not None)
        await pilot.press("ctrl+t")
        await until(pilot, lambda: prompt.text)
        await until(pilot, lambda: not bar.display)
        assert prompt.text == SPOKEN and not state.voice.open and microphone.listeners() == 0
        await pilot.press("enter")
        await until(pilot, lambda: state.requests and not state.requests.unfinished)
        answer = next(iter(state.requests.values()))
        assert answer.prompt == SPOKEN and prompt.text == ""
        spoken = state.voice.spoken
        assert spoken.request_id == answer.request_id and spoken.sentence_s > 0
        assert spoken.timing.final_s >= spoken.timing.decode_s > 0
        await until(pilot, lambda: app.screen.query_one(Waterfall).display)
    scope: dict[str, object] = {}
    exec(answer.text, scope)
    [add] = [value for name, value in scope.items() if callable(value) and not name.startswith("__")]
    assert add(2, 3) == 5


async def test_what_the_open_microphone_costs_the_model_is_shown_while_it_is_open(microphone):
    async with opened() as (app, pilot):
        state, shown = app.bridge.state, app.screen.query_one(Waterfall)

        async def generate(name: str) -> None:
            sampling = SamplingParams(max_tokens=60, ignore_eos=True)
            app.bridge.send(Submit(requests=[GenerationRequest(request_id=name, prompt="def add", sampling=sampling)]))
            await until(pilot, lambda: name in state.requests and not state.requests.unfinished)

        await generate("closed")
        await pilot.press("ctrl+t")
        await until(pilot, lambda: state.voice.level and state.voice.facts)
        assert state.voice.contention is None and not shown.display
        player = microphone.say(np.tile(speech(), 5))
        await generate("open")
        closed, opened_ = state.voice.contention
        await until(pilot, lambda: shown.display)
        assert state.voice.open and closed.rows == opened_.rows == 1 and min(closed.tps, opened_.tps) > 0
        assert "TPS mic closed ▸ open" in str(shown.render())
        player.kill()
        player.wait()


async def test_a_microphone_and_a_recogniser_are_chosen(microphone, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(paths.bundled_model("tiny-whisper"), tmp_path / "mine")
    async with opened("scripted") as (app, pilot):
        state = app.bridge.state
        await pilot.press("f9")
        await until(pilot, lambda: state.voice.listed and app.screen.query_one("#inputs").option_count)
        names = [each.name for each in state.voice.listed.inputs]
        await pilot.press(*["down"] * (names.index("pulse") + 1), "enter")
        await until(pilot, lambda: app.voice.input == "pulse")
        assert "default, auto" in str(app.screen.query_one("#recognition").render())
        models = app.screen.query_one("#models")
        await until(pilot, lambda: models.option_count >= 2)
        rows = [str(models.get_option_at_index(index).prompt) for index in range(models.option_count)]
        [mine] = [index for index, row in enumerate(rows) if "mine" in row]
        await pilot.press("tab", *["down"] * (mine + 1), "enter")
        await until(pilot, lambda: app.voice.model == str(tmp_path / "mine"))
        await pilot.press("escape", "ctrl+t")
        await until(pilot, lambda: state.voice.level and state.voice.facts)
        assert (state.voice.microphone.input, state.voice.facts.name) == ("pulse", "mine")


async def test_a_dropped_file_is_transcribed_into_what_is_being_typed(tmp_path):
    path = write_wav(tmp_path / "two words.wav", speech())
    async with opened("scripted") as (app, pilot):
        prompt, state = app.screen.query_one(Prompt), app.bridge.state
        await pilot.press(*"please", "ctrl+j")
        app.post_message(events.Paste(f"'{path}'"))
        await until(pilot, lambda: SPOKEN in prompt.text)
        assert prompt.text == f"please\n{SPOKEN}"
        prompt.text = str(path)
        await pilot.press("enter")
        await until(pilot, lambda: prompt.text == SPOKEN)
        assert state.requests == {}
        await pilot.press("ctrl+a", "backspace")
        prompt.text = str(write_wav(tmp_path / "nothing.wav", silence(1)))
        await pilot.press("enter")
        await until(pilot, lambda: state.voice.finished and state.voice.finished.text == "")
        assert prompt.text == ""


WITHOUT_PORTAUDIO = "import ctypes.util; ctypes.util.find_library = lambda name: None"


@pytest.mark.parametrize("missing", ["the microphone", "PortAudio"])
async def test_without_a_microphone_the_screen_says_why_and_stays(monkeypatch, tmp_path, missing):
    monkeypatch.setenv("PULSE_SERVER", f"unix:{tmp_path}/none")
    if missing == "PortAudio":
        (tmp_path / "sitecustomize.py").write_text(WITHOUT_PORTAUDIO)
        monkeypatch.setenv(
            "PYTHONPATH", os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
        )
    said = "no microphone" if missing == "the microphone" else "the PortAudio library is not installed"
    async with opened("scripted") as (app, pilot):
        notice = app.screen.query_one(Notice)
        await pilot.press("ctrl+t")
        await until(pilot, lambda: said in str(notice.render()))
        # All of it can be read, to the way out at its end.
        assert "give a sound file: type its path, or drop it here" in str(notice.render())
        assert notice.size.width * notice.size.height >= len(str(notice.render()))
        assert not app.screen.query_one(VoiceBar).display and not app.bridge.state.voice.busy
        await pilot.press("f9")
        await until(pilot, lambda: app.bridge.state.voice.listed)
        assert said in app.bridge.state.voice.listed.message
        await pilot.press("escape")


async def test_a_recorded_session_keeps_audio_only_when_asked_and_replays(microphone):
    for keep in (False, True):
        async with opened("scripted", keep_audio=keep) as (app, pilot):
            await pilot.press("ctrl+r", "ctrl+t")
            await until(pilot, lambda app=app: app.bridge.state.voice.level)
            player = microphone.say(np.concatenate([speech(), silence(0.8)]))
            await until(pilot, lambda player=player: player.poll() is not None)
            await pilot.press("ctrl+t")
            await until(pilot, lambda app=app: app.bridge.state.voice.finished)
            path = Path(app.bridge.state.recording)
        assert len(list(path.parent.glob("*.wav"))) == keep
    replayed = PlaygroundApp(engine="scripted", replay=read_recording(path), speed=0)
    async with replayed.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: replayed.bridge.state.voice.finished)
        assert replayed.bridge.state.voice.finished.text == SPOKEN and replayed.bridge.state.model.pid
        assert replayed.screen.query_one(Prompt).text == ""
