"""Speed of the voice, side by side: `python tests/bench_speech.py [ROW ...]`. Not a test: it never fails.

Rows: files, long, dictation, contention. Runs are interleaved; medians, and ratios of pairs. The bare script has as
many threads as this machine has cores, and so has the worker; both cut at the same pauses with the same VAD, take
the same windows, compute type, language, beam and batch, and both times run from the name of a file to its whole text.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from time import perf_counter

import numpy as np

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from playground.bench.speech.accuracy import basic, count_errors  # noqa: E402
from playground.bench.speech.manifest import BUNDLED, read_manifest  # noqa: E402
from playground.client import WorkerClient  # noqa: E402
from playground.protocol import commands  # noqa: E402
from playground.protocol.speech import SpeechOptions, UtteranceTiming  # noqa: E402
from playground.protocol.speech_events import AudioLevel, TranscriptFinished  # noqa: E402
from playground.protocol.wire import AnyCommand, AnyEvent  # noqa: E402
from playground.speech.audio_file import AudioFile  # noqa: E402
from playground.speech.utterances import BEFORE_S, PAUSE_S  # noqa: E402
from playground.speech.vad import RATE, Samples  # noqa: E402
from playground.tui.state.state import State  # noqa: E402
from playground.tui.state.voice import VoiceState  # noqa: E402
from tests.bench_app import PROMPT, TINY  # noqa: E402
from tests.speech.driver import MODEL, SpeechDriver  # noqa: E402
from tests.speech.speaking import silence, speech, write_wav  # noqa: E402
from tests.speech.virtual_microphone import VirtualMicrophone  # noqa: E402

OPTIONS = SpeechOptions(model=MODEL, language="en", temperatures=(0.0,))
THREADS = os.cpu_count() or 1
PAIRS, ROUNDS, TOKENS = 3, 3, 400
REST_S = 0.1  # between the two, so that neither runs into the other's last moments
BARE = f"""
import json, sys, time
from faster_whisper import BatchedInferencePipeline, WhisperModel
from faster_whisper.audio import decode_audio
from faster_whisper.vad import VadOptions, get_speech_timestamps
model = BatchedInferencePipeline(WhisperModel({MODEL!r}, device="cpu", cpu_threads={THREADS}))
vad = VadOptions(
    min_silence_duration_ms={PAUSE_S * 1000:.0f}, speech_pad_ms={BEFORE_S * 1000:.0f}, max_speech_duration_s=10
)
for line in sys.stdin:
    start = time.perf_counter()
    audio = decode_audio(line.strip())
    clips = [{{k: at / 16000 for k, at in clip.items()}} for clip in get_speech_timestamps(audio, vad)]
    found, _ = model.transcribe(
        audio, language="en", beam_size={OPTIONS.beam}, temperature=0.0,
        batch_size={OPTIONS.batch}, clip_timestamps=clips
    )
    text = " ".join(segment.text.strip() for segment in found)
    print(json.dumps([time.perf_counter() - start, text]), flush=True)
"""


class Bare:
    """The bare script, loaded and waiting for files."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", BARE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def transcribe(self, path: Path) -> tuple[float, str]:
        """Seconds and text."""
        assert self._process.stdin and self._process.stdout
        print(path, file=self._process.stdin, flush=True)
        seconds, text = json.loads(self._process.stdout.readline())
        return seconds, text

    def close(self) -> None:
        """End it."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()


async def transcribe(driver: SpeechDriver, path: Path) -> tuple[float, str]:
    """Seconds from sending the command to having the transcript, and its text."""
    start = perf_counter()
    done = await driver.transcribe(path, OPTIONS)
    return perf_counter() - start, done.text


async def pairs(
    driver: SpeechDriver, bare: Bare, path: Path, count: int
) -> tuple[list[tuple[float, float]], tuple[str, str]]:
    """(worker, bare) seconds of so many runs in turn after one to warm up, and the texts of both."""
    seconds = []
    for _ in range(count + 1):
        ours, text = await transcribe(driver, path)
        await asyncio.sleep(REST_S)
        theirs, their_text = bare.transcribe(path)
        await asyncio.sleep(REST_S)
        seconds.append((ours, theirs))
    return seconds[1:], (text, their_text)


def word_errors(references: list[str], heard: list[str]) -> str:
    """As a share of the words that were said."""
    rate = count_errors([basic(text) for text in references], [basic(text) for text in heard]).wer
    return "–" if rate is None else f"{rate:.1%}"


async def files() -> None:
    """The bundled recordings, each a file of its own."""
    recordings, heard, seconds = read_manifest(BUNDLED), [], []
    async with both() as (driver, bare):
        for recording in recordings:
            runs, texts = await pairs(driver, bare, recording.path, PAIRS)
            heard.append(texts)
            seconds += runs
    print_row(f"{len(recordings)} recordings, a file each", seconds, [said.text or "" for said in recordings], heard)


async def long() -> None:
    """The bundled recordings as one file, with pauses of a second between them."""
    recordings = read_manifest(BUNDLED)
    sounds = [np.concatenate([*AudioFile(str(recording.path)), silence(1)]) for recording in recordings]
    with tempfile.TemporaryDirectory() as folder:
        path = write_wav(Path(folder) / "long.wav", np.concatenate(sounds))
        async with both() as (driver, bare):
            seconds, texts = await pairs(driver, bare, path, PAIRS)
    said = " ".join(recording.text or "" for recording in recordings)
    print_row(f"one file of {sum(map(len, sounds)) / RATE:.0f} s", seconds, [said], [texts])


def print_row(name: str, seconds: list[tuple[float, float]], said: list[str], heard: list[tuple[str, str]]) -> None:
    """Medians, and the median of the pairs' ratios with their middle half."""
    ours, theirs = (statistics.median(column) for column in zip(*seconds, strict=True))
    low, middle, high = statistics.quantiles([their / our for our, their in seconds], n=4)
    errors = " and ".join(word_errors(said, [texts[side] for texts in heard]) for side in (0, 1))
    print(
        f"{name}: worker {ours * 1e3:.0f} ms, bare {theirs * 1e3:.0f} ms, {middle:.2f}x the speed "
        f"({low:.2f} to {high:.2f}, {len(seconds)} pairs; at least 0.95), word errors {errors}"
    )


@contextlib.asynccontextmanager
async def both() -> AsyncIterator[tuple[SpeechDriver, Bare]]:
    """A worker and the bare script."""
    with tempfile.TemporaryDirectory() as folder:
        driver, bare = SpeechDriver(Path(folder) / "speech.log"), Bare()
        await driver.start()
        yield driver, bare
        await driver.client.stop()
        bare.close()


@contextlib.contextmanager
def microphone() -> Iterator[VirtualMicrophone]:
    """A virtual one, for workers that start meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        found = VirtualMicrophone(Path(folder))
        if found.missing:
            raise SystemExit(f"{', '.join(found.missing)} is not installed: no virtual microphone")
        os.environ |= found.environment
        found.start()
        yield found
        found.stop()


async def dictation() -> None:
    """From the end of speech to its final text."""
    with microphone() as mouth, tempfile.TemporaryDirectory() as folder:
        said = write_wav(Path(folder) / "said.wav", speech())
        async with both() as (driver, bare):
            pauses, closings = [], []
            for _ in range(ROUNDS):
                pauses += await talk(driver, mouth, np.tile(np.concatenate([speech(), silence(1)]), 4))
                closings += await talk(driver, mouth, speech()[: -round(0.3 * RATE)])
            decode = statistics.median(bare.transcribe(said)[0] for _ in range(PAIRS))
    for name, timings in (("pause", pauses), ("closing of the microphone", closings)):
        final, vad, wait, own = (
            statistics.median(getattr(timing, part) for timing in timings) * 1e3
            for part in ("final_s", "vad_s", "wait_s", "decode_s")
        )
        over = statistics.median(timing.final_s - timing.decode_s for timing in timings) * 1e3
        print(
            f"end of speech to final text, {name}: {final:.0f} ms (VAD {vad:.0f}, wait {wait:.0f}, decode {own:.0f}), "
            f"{over:.0f} ms above its decode (at most 150), {final - decode * 1e3:.0f} ms above a bare one of "
            f"{decode * 1e3:.0f} ms; medians of {len(timings)}"
        )


async def talk(driver: SpeechDriver, mouth: VirtualMicrophone, samples: Samples) -> list[UtteranceTiming]:
    """The timings of a dictation that is closed as soon as it has been said."""
    await driver.rest()
    driver.send(commands.StartListening(key="talk", options=OPTIONS))
    await driver.until(AudioLevel)
    player = mouth.say(samples)
    await asyncio.to_thread(player.wait)
    driver.send(commands.StopListening())
    done = await driver.until(TranscriptFinished)
    return done.timings


async def contention() -> None:
    """Decode TPS of the model with the microphone closed and open, as the screen folds and shows it."""
    with microphone() as mouth, tempfile.TemporaryDirectory() as folder:
        state = State()

        def fold(event: AnyEvent) -> None:
            state.add_event(event, perf_counter())

        engine, voice = (
            WorkerClient(role, name, Path(folder) / f"{role}.log", fold)
            for role, name in (("engine", "transformers"), ("speech", "faster-whisper"))
        )

        async def send(client: WorkerClient, command: AnyCommand, until: Callable[[], object]) -> None:
            state.add_command(command, perf_counter())
            client.send(command)
            while not until():
                await asyncio.sleep(0.005)

        async def generate(name: str) -> None:
            sampling = commands.SamplingParams(max_tokens=TOKENS, ignore_eos=True)
            request = commands.GenerationRequest(request_id=name, prompt=PROMPT, sampling=sampling)
            await send(engine, commands.Submit(requests=[request]), lambda: not state.requests.unfinished)

        await engine.start()
        await voice.start()
        await send(engine, commands.LoadModel(model=TINY), lambda: state.toggles.effective)
        await generate("warm")
        state.voice = VoiceState()
        for number in range(ROUNDS):
            await generate(f"closed{number}")
            start = commands.StartListening(key=f"v{number}", options=OPTIONS)
            await send(voice, start, lambda: state.voice.level and state.voice.facts)
            player = mouth.say(np.tile(speech(), 10))
            await asyncio.sleep(1)  # until it is being transcribed
            await generate(f"open{number}")
            player.kill()
            await send(voice, commands.StopListening(), lambda: not state.voice.busy)
        await engine.stop()
        await voice.stop()
    assert state.voice.contention
    closed, opened = state.voice.contention
    print(
        f"decode with the microphone closed {closed.tps:.0f} tok/s (±{closed.spread:.0f}), open and spoken into "
        f"{opened.tps:.0f} tok/s (±{opened.spread:.0f}): {opened.tps / closed.tps:.2f}x, on {THREADS} cores"
    )


ROWS = {"files": files, "long": long, "dictation": dictation, "contention": contention}


if __name__ == "__main__":
    for name in sys.argv[1:] or ROWS:
        asyncio.run(ROWS[name]())
        sys.stdout.flush()
