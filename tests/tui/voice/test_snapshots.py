"""Snapshots of voice: words coming, the waterfall of an answer, what was left out and why, no microphone; replayed."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from textual.pilot import Pilot

from playground.protocol.capabilities import Capabilities, ToggleSupport, ValueSupport
from playground.protocol.commands import Command, GenerationRequest, StartListening, Submit
from playground.protocol.events import Event, Failed, RequestFinished, StepsExecuted, TokensGenerated, WorkerReady
from playground.protocol.metrics import RequestMetrics
from playground.protocol.speech import (
    AudioInput,
    DroppedSegment,
    Segment,
    SpeechModelFacts,
    SpeechOptions,
    UtteranceTiming,
)
from playground.protocol.speech_events import (
    AudioLevel,
    InputsListed,
    MicrophoneChanged,
    SpeechModelLoaded,
    TranscriptFinished,
    TranscriptUpdated,
)
from playground.protocol.steps import SlotWork, Step
from playground.session.recording import Entry
from playground.tui import checkpoints
from playground.tui.app import PlaygroundApp
from tests.tui.conftest import Story
from tests.tui.settling import settle

Told = Iterable[tuple[float, Command | Event]]
SIZES = [(80, 24), (120, 40)]
SAID = "write a function that adds two numbers"
MICROPHONE = "USB Audio: Analog Stereo [b]x[/b]"
FACTS = SpeechModelFacts(
    name="tiny-whisper",
    path="/models/tiny-whisper",
    device="cpu",
    compute_type="int8",
    mels=80,
    multilingual=False,
    window_s=10.0,
)
COMPUTE = [
    ValueSupport(value=name, possible=name != "float16", reason="")
    for name in ("default", "auto", "int8", "int8_float32", "float16", "float32")
]
CAPABILITIES = Capabilities(
    engine="faster-whisper",
    devices=["cpu"],
    toggles=[ToggleSupport(name="compute_type", cost="reload", values=COMPUTE)],
)
DROPPED = [
    DroppedSegment(
        segment=Segment(start=4.2, end=5.1, text="Thank you for watching."),
        reason="known phrase",
        detail="'thank you for watching' is what Whisper writes on silence",
    ),
    DroppedSegment(
        segment=Segment(start=63.0, end=71.5, text="and so on and so on and so on and so on and so on"),
        reason="looping",
        detail="'and so on' 5 times in a row",
    ),
    DroppedSegment(
        segment=Segment(start=118.4, end=119.0, text=""), reason="quiet", detail="-61 dB at its loudest, under -55 dB"
    ),
]


@pytest.fixture(autouse=True)
def look_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")


def opened(before: list[Entry], *parts: Told) -> PlaygroundApp:
    """A replay of the common start and of these events."""
    entries = [
        Entry(t=t, command=message) if isinstance(message, Command) else Entry(t=t, event=message)  # type: ignore[arg-type]
        for part in parts
        for t, message in part
    ]
    return PlaygroundApp(engine="transformers", replay=[*before, *entries], speed=0)


def listening() -> Told:
    yield 2.0, StartListening(key="v", options=SpeechOptions(model="tiny-whisper"))
    yield 2.1, WorkerReady(pid=2, role="speech", clock=0.0, capabilities=CAPABILITIES)
    yield 2.1, StartListening(key="v", options=SpeechOptions(model="tiny-whisper"))
    yield 2.2, MicrophoneChanged(state="open", input=MICROPHONE, rate=16000)
    yield 2.4, SpeechModelLoaded(facts=FACTS)


def words(**level: float) -> Told:
    yield 5.0, AudioLevel(rms_db=-24.0, peak_db=-9.0, seconds=3.4, speech=True, **level)  # type: ignore[arg-type]
    yield 5.0, TranscriptUpdated(key="v", confirmed="write a function that", partial="adds to", lag_s=0.42)


def steps(first: int, start: float, seconds: float) -> Told:
    """One request that decodes."""
    slots = [SlotWork(request_id="r1", phase="decode", tokens=1), *[SlotWork()] * 7]
    for index in range(first, first + 30):
        at = start + (index - first) * seconds
        yield at, StepsExecuted(steps=[Step(index=index, start=at, seconds=seconds, slots=slots)])


def answered() -> Told:
    timing = UtteranceTiming(end_s=2.6, vad_s=0.09, wait_s=0.0, decode_s=0.21, final_s=0.3)
    segment = Segment(start=0.2, end=2.9, text=SAID)
    yield 6.0, MicrophoneChanged(state="closed", input=MICROPHONE)
    yield (
        6.0,
        TranscriptFinished(
            key="v", text=SAID, segments=[segment], dropped=DROPPED, audio_seconds=120.0, timings=[timing]
        ),
    )
    yield 7.6, Submit(requests=[GenerationRequest(request_id="r3", prompt=SAID)])
    for at, text in ((7.7, "def add"), (7.73, "(a, b):"), (7.76, "\n    "), (7.8, "return a + b\n")):
        yield at, TokensGenerated(request_id="r3", token_ids=[1], times=[at], text=text)
    metrics = RequestMetrics(prompt_tokens=9, output_tokens=4, ttft_s=0.0184, decode_tps=30.0)
    yield 7.9, RequestFinished(request_id="r3", reason="stop", metrics=metrics)


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40"])
def test_words_come(snap_compare: Callable[..., bool], story: Story, size: tuple[int, int]) -> None:
    assert snap_compare(opened(story("idle"), listening(), words()), terminal_size=size, run_before=settle)


def test_audio_is_lost(snap_compare: Callable[..., bool], story: Story) -> None:
    app = opened(story("idle"), listening(), words(overflows=2, lost_s=0.5))
    assert snap_compare(app, terminal_size=(80, 24), run_before=settle)


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40"])
def test_what_the_way_to_an_answer_took(snap_compare: Callable[..., bool], story: Story, size: tuple[int, int]) -> None:
    both = (steps(100, 1.6, 0.003), listening(), words(), steps(200, 5.0, 0.0045), answered())
    assert snap_compare(opened(story("streaming"), *both), terminal_size=size, run_before=settle)


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40"])
def test_what_was_left_out(
    snap_compare: Callable[..., bool], story: Story, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    monkeypatch.chdir(tmp_path)  # no recognisers but the bundled one
    monkeypatch.setattr(checkpoints.paths, "hub_cache", lambda: tmp_path)
    inputs = [
        AudioInput(name=MICROPHONE, channels=2, rate=48000, default=True),
        AudioInput(name="pulse", channels=32, rate=44100),
    ]

    async def look(pilot: Pilot[None]) -> None:
        await settle(pilot)
        await pilot.press("f9")
        await settle(pilot)

    listed: Told = [(8.0, InputsListed(inputs=inputs))]
    app = opened(story("idle"), listening(), answered(), listed)
    assert snap_compare(app, terminal_size=size, run_before=look)


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40"])
def test_no_microphone(snap_compare: Callable[..., bool], story: Story, size: tuple[int, int]) -> None:
    fault = Failed(
        where="StartListening",
        message="no microphone here: this is a container that was given no sound device",
        advice="start it with --device /dev/snd or the host's PulseAudio socket, or give a sound file: "
        "type its path, or drop it here",
    )
    app = opened(story("idle"), [*listening()][:3], [(2.5, fault)])
    assert snap_compare(app, terminal_size=size, run_before=settle)
