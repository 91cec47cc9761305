"""Speech in the fold: the worker's events, the times from the end of speech to the first sentence, the contention."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

import pytest

from playground.protocol.capabilities import Capabilities
from playground.protocol.commands import GenerationRequest, StartListening, Submit
from playground.protocol.events import (
    Failed,
    OptionsApplied,
    RequestFinished,
    StepsExecuted,
    TokensGenerated,
    WorkerExited,
    WorkerReady,
)
from playground.protocol.metrics import Memory, RequestMetrics
from playground.protocol.options import EngineOptions
from playground.protocol.speech import DroppedSegment, Segment, SpeechOptions, UtteranceTiming
from playground.protocol.speech_events import AudioLevel, MicrophoneChanged, TranscriptFinished, TranscriptUpdated
from playground.protocol.steps import SlotWork, Step
from playground.tui.state.state import State
from playground.tui.voice.sound_path import sound_path
from playground.tui.widgets.voice_bar import device_line, words_line
from playground.tui.widgets.waterfall import waterfall_lines

TIMING = UtteranceTiming(end_s=2.0, vad_s=0.1, wait_s=0.0, decode_s=0.4, final_s=0.5)
START = StartListening(key="v", options=SpeechOptions(model="m"))


@pytest.fixture
def state() -> State:
    """An engine that runs, and an open microphone."""
    state = State()
    state.add_event(WorkerReady(pid=1, role="engine", clock=0.0, capabilities=Capabilities(engine="e")), 0.0)
    state.add_command(START, 1.0)
    state.add_event(WorkerReady(pid=2, role="speech", clock=0.0, capabilities=Capabilities(engine="s")), 1.0)
    state.add_command(START, 1.0)
    state.add_event(MicrophoneChanged(state="open", input="mic", rate=16000), 1.1)
    return state


def segment(text: str) -> Segment:
    return Segment(start=0, end=1, text=text)


def finish(state: State, **fields) -> None:
    heard = {"text": "add", "segments": [segment("add")], "dropped": [], "audio_seconds": 2.0, "timings": [TIMING]}
    state.add_event(TranscriptFinished(key="v", **(heard | fields)), 3.0)


def test_speech_leaves_the_engine_alone(state):
    assert state.model.pid == 1 and state.capabilities.engine == "e" and state.status == "idle"
    state.add_event(Failed(where="StartListening", message="no"), 2.0)
    state.add_event(WorkerExited(code=-9, role="speech"), 2.0)
    assert state.model.pid == 1 and state.model.exited is None and state.model.load_failure is None
    assert not state.voice.open and not state.voice.busy
    assert [failure.message for failure in state.take_changes().failures][-1].startswith("the speech process ended")


def test_words_grow_and_end_in_a_transcript(state):
    state.add_event(AudioLevel(rms_db=-20, peak_db=-10, seconds=1.0, speech=True), 1.2)
    state.add_event(TranscriptUpdated(key="v", confirmed="write a", partial="func"), 1.5)
    assert words_line(state.voice, 40).plain == "write a func"
    dropped = DroppedSegment(segment=segment("you"), reason="unsure", detail="0.9")
    state.add_event(TranscriptUpdated(key="v", segments=[segment("write a function")], dropped=[dropped]), 1.6)
    assert words_line(state.voice, 40).plain == "write a function" and state.voice.dropped == [dropped]
    assert words_line(state.voice, 12).plain == "… function"
    finish(state)
    assert not state.voice.busy and [each.text for each in state.take_changes().transcripts] == ["add"]


def test_the_newest_words_are_seen_in_wide_letters_too(state):
    said = "これは日本語の長い文です" * 20
    state.add_event(TranscriptUpdated(key="v", confirmed=said, partial="続き"), 1.5)
    line = words_line(state.voice, 40)
    assert 36 <= line.cell_length <= 40 and line.plain.startswith("…") and line.plain.endswith("です 続き")


def test_a_dictation_of_hours_costs_no_more_than_its_end(state):
    state.voice.texts += ["the quick brown fox jumps over the lazy dog"] * 100_000
    started = perf_counter()
    assert words_line(state.voice, 40).plain.endswith("over the lazy dog")
    assert perf_counter() - started < 0.01


def test_the_line_of_the_device_says_what_is_wrong(state):
    state.add_event(AudioLevel(rms_db=-20, peak_db=-10, seconds=1.0, overflows=2, lost_s=0.5, lag_s=4.0), 1.2)
    state.add_event(TranscriptUpdated(key="v", finals_only="a decode takes 3.0 s here"), 1.3)
    line = device_line(state.voice, 120).plain
    for said in ("-20 dB", "mic", "500 ms lost in 2 overflows", "4 s behind", "words at pauses only"):
        assert said in line
    assert "500 ms lost in 2 overflows" in device_line(state.voice, 78).plain[:78]
    assert words_line(state.voice, 78).plain == "speak; a decode takes 3.0 s here"
    state.add_event(MicrophoneChanged(state="lost", input="mic", note="mic is gone\x1b[31m"), 1.4)
    assert device_line(state.voice, 78).plain == "mic is gone[31m"


def test_a_spoken_request_has_its_waterfall(state):
    finish(state)
    state.add_command(Submit(requests=[GenerationRequest(request_id="r1", prompt="add")]), 5.0)
    for time, text in ((6.0, "def add"), (6.25, "(a, b):"), (6.5, "\n    "), (7.0, "return a\n")):
        state.add_event(TokensGenerated(request_id="r1", token_ids=[1], times=[time], text=text), time)
    metrics = RequestMetrics(prompt_tokens=3, output_tokens=4, ttft_s=0.02)
    state.add_event(RequestFinished(request_id="r1", reason="stop", metrics=metrics), 7.0)
    spoken = state.voice.spoken
    assert (spoken.edited_s, spoken.sentence_s) == (2.0, 0.5)
    text = [line.plain for line in waterfall_lines(state, 44)]
    assert "1.02 s after the end of speech" in text[0] and len(text) == 5
    assert [line.split("━")[0].strip() for line in text[1:]] == ["VAD", "transcript", "TTFT", "1st sentence"]
    starts = [line.index("━") for line in text[1:]]
    assert starts == sorted(starts) and {len(line) for line in text[1:]} == {44}
    state.add_command(Submit(requests=[GenerationRequest(request_id="r2", prompt="typed")]), 8.0)
    assert state.voice.spoken is spoken


def test_an_empty_transcript_makes_no_request_a_spoken_one(state):
    finish(state, text="", segments=[])
    state.add_command(Submit(requests=[GenerationRequest(request_id="r1", prompt="typed")]), 5.0)
    assert state.voice.spoken is None and waterfall_lines(state, 44) == []


def test_contention_is_the_speed_beside_the_open_microphone(state):
    def steps(first: int, seconds: float) -> None:
        slot = SlotWork(request_id="r", phase="decode", tokens=1)
        for index in range(first, first + 40):
            step = Step(index=index, start=first * 10 + index * seconds, seconds=seconds, slots=[slot])
            state.add_event(StepsExecuted(steps=[step]), 0.0)

    steps(0, 0.02)
    assert state.voice.contention is None
    state.add_event(MicrophoneChanged(state="closed", input="mic"), 2.0)
    steps(1000, 0.01)
    closed, opened = state.voice.contention
    assert (round(closed.tps), round(opened.tps)) == (100, 50)
    assert waterfall_lines(state, 60)[-1].plain == "TPS mic closed ▸ open 100 ▸ 50.0 ▼ 50 % (±0)"
    assert [line.plain for line in waterfall_lines(state, 30)] == [
        "TPS mic closed ▸ open",
        "  100 ▸ 50.0 ▼ 50 % (±0)",
    ]
    options = EngineOptions(kv_cache="int8")
    state.add_event(
        OptionsApplied(changed=["kv_cache"], requested=options, effective={}, before=Memory(), after=Memory()), 3.0
    )
    assert state.voice.contention is None, "other options, another speed"


@pytest.mark.parametrize("spelled", ["{}", "'{}'", '"{}"', "  {}\n", "file://{}"])
def test_a_dropped_file_is_known_however_the_terminal_spells_it(tmp_path, spelled):
    path = tmp_path / "said.WAV"
    path.touch()
    assert sound_path(spelled.format(path)) == path


def test_other_text_is_no_file(tmp_path, monkeypatch):
    spaced = tmp_path / "two words.mp3"
    spaced.touch()
    assert sound_path(str(spaced)) == sound_path(str(spaced).replace(" ", "\\ ")) == spaced
    monkeypatch.chdir(tmp_path)
    assert sound_path("two words.mp3") == Path(spaced)
    for text in ("", "missing.wav", "write a function", f"{spaced} and more", "a\nb.wav", "\x00.wav", "x" * 5000):
        assert sound_path(text) is None
