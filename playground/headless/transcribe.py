"""`playground transcribe FILE`: a sound file as text; with `--clean`, a windowed transcript as one clean text."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import msgspec

from playground import paths
from playground.bench.engine import EngineFailed
from playground.bench.speech.speech_engine import SpeechEngine
from playground.client import drop_log
from playground.headless.errors import CommandError, UsageError
from playground.headless.recognition import add_recognition, read_recognition
from playground.headless.report import say, with_log
from playground.headless.target import require_file
from playground.protocol.events import Event
from playground.protocol.speech import DroppedSegment, Segment, SpeechOptions
from playground.protocol.speech_events import TranscriptFinished, TranscriptUpdated
from playground.speech.cleaning.clean import Cleaned, clean
from playground.speech.cleaning.windows import read_windows
from playground.text.numbers import UNKNOWN, percent, seconds, significant
from playground.text.plain import one_line, printable


class Transcript(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="Transcript"):
    """The last line of `transcribe --json`; times in seconds; `rtf` is work over sound, without the load."""

    text: str
    segments: list[Segment]
    dropped: list[DroppedSegment]
    audio_seconds: float
    rtf: float | None
    language: str
    language_probability: float | None
    seconds: float
    vad_s: float
    decode_s: float
    load_s: float
    model: str


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of `transcribe`."""
    parser.add_argument("file", metavar="FILE", help="a sound file that FFmpeg reads, or - for standard input")
    parser.add_argument(
        "--model", metavar="M", help="a recogniser's folder, size or hub id; the bundled one without it"
    )
    add_recognition(parser)
    parser.add_argument("--clean", action="store_true", help="FILE is text: lines `[Chunk start 25.00s]: ...`")
    parser.add_argument("--json", action="store_true", help="events as they come, and last the whole, a JSON line each")


def main(args: Namespace) -> int:
    """Transcribe or clean; returns the exit code."""
    if args.file != "-":
        require_file(args.file)
    return _clean(args) if args.clean else _transcribe(args)


def _clean(args: Namespace) -> int:
    text = _read(args.file).decode("utf-8", "replace")
    try:
        windows = read_windows(text)
    except ValueError as error:
        raise UsageError(f"{args.file}: {error}", "a line is for example [Chunk start 25.00s]: words") from None
    cleaned = clean(windows, "" if args.language == "auto" else args.language)
    if args.json:
        _write({"type": "CleanTranscript", **msgspec.to_builtins(cleaned)})
    else:
        print(printable(cleaned.text))
        _print_marks(cleaned)
    return 0


def _print_marks(cleaned: Cleaned) -> None:
    for mark in cleaned.marked:
        say(f"[{mark.start:.2f}s] {mark.reason}: {one_line(mark.detail)}; {mark.lost} words left out")
    seams = sum(join.words > 0 for join in cleaned.joins)
    say(f"{cleaned.windows} windows, {seams} of {len(cleaned.joins)} overlaps found, {len(cleaned.marked)} marked")


def _read(name: str) -> bytes:
    return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()


def _transcribe(args: Namespace) -> int:
    options = read_recognition(args, args.model)
    log = paths.log_file("transcribe")
    try:
        transcript = asyncio.run(_recognise(args, options, log))
    except EngineFailed as error:
        raise CommandError(error.message, with_log(error.advice, log)) from None
    drop_log(log)
    if not args.json:
        print(printable(transcript.text))
        for segment in transcript.segments:
            if segment.tried:
                tried = ", ".join(f"{each:g}" for each in segment.tried)
                say(f"decoded again [{segment.start:.2f}s] at {tried}: the text is that of {segment.temperature:g}")
        for drop in transcript.dropped:
            say(f"left out [{drop.segment.start:.2f}s] {drop.reason}: {one_line(drop.segment.text)} ({drop.detail})")
        say(
            f"{seconds(transcript.audio_seconds)} of sound in {seconds(transcript.seconds)}, "
            f"RTF {significant(transcript.rtf)}, load {seconds(transcript.load_s)}, language {_language(transcript)}"
        )
    return 0


async def _recognise(args: Namespace, options: SpeechOptions, log: Path) -> Transcript:
    def watch(event: Event) -> None:
        if args.json and isinstance(event, TranscriptUpdated):
            _write(msgspec.to_builtins(event))

    async with SpeechEngine(log, watch) as engine:
        if args.file == "-":
            with tempfile.NamedTemporaryFile(suffix=".audio") as sound:
                sound.write(_read("-"))
                sound.flush()
                finished = await _transcribe_stdin(engine, Path(sound.name), options)
        else:
            finished = await engine.transcribe(Path(args.file), options)
        transcript = _whole(finished, engine.facts.name if engine.facts else options.model)
    if args.json:
        _write(msgspec.to_builtins(transcript))
    return transcript


async def _transcribe_stdin(engine: SpeechEngine, copy: Path, options: SpeechOptions) -> TranscriptFinished:
    """Transcribe the copy of standard input; a fault does not name the copy, which is gone by then."""
    try:
        return await engine.transcribe(copy, options)
    except EngineFailed as error:
        message = error.message.replace(str(copy), "standard input").replace(copy.name, "standard input")
        raise EngineFailed(message, error.advice) from None


def _language(transcript: Transcript) -> str:
    sure = transcript.language_probability
    return transcript.language or UNKNOWN if sure is None else f"{transcript.language} (heard, {percent(sure)})"


def _whole(finished: TranscriptFinished, model: str) -> Transcript:
    sound = finished.audio_seconds
    return Transcript(
        text=finished.text,
        segments=finished.segments,
        dropped=finished.dropped,
        audio_seconds=sound,
        rtf=finished.seconds / sound if sound else None,
        language=finished.language,
        language_probability=finished.language_probability,
        seconds=finished.seconds,
        vad_s=finished.vad_s,
        decode_s=finished.decode_s,
        load_s=finished.load_s,
        model=model,
    )


def _write(line: Any) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    sys.stdout.buffer.flush()
