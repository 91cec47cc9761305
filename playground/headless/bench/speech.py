"""`playground bench speech`: word errors over recordings, or spoken questions answered by a language model."""

from __future__ import annotations

import asyncio
from argparse import ArgumentParser, Namespace
from contextlib import nullcontext
from pathlib import Path

from playground import paths
from playground.bench.engine import EngineFailed, WorkerEngine
from playground.bench.report import Conditions
from playground.bench.speech.accuracy import NORMALIZERS
from playground.bench.speech.manifest import BUNDLED, ManifestError, SpeechSample, read_manifest, read_questions
from playground.bench.speech.questions import answers, ask_all
from playground.bench.speech.report import answers_report, speech_report
from playground.bench.speech.speech_engine import SpeechEngine
from playground.bench.speech.words import SpeechSuite
from playground.client import drop_log
from playground.headless.arguments import add_history
from playground.headless.bench.output import add_output, print_trust, save_report
from playground.headless.bench.speech_table import print_answers, print_words
from playground.headless.bench.suite import ProgressLine, interruption
from playground.headless.errors import CommandError, UsageError
from playground.headless.recognition import add_recognition, read_recognition
from playground.headless.report import say
from playground.headless.target import require_file, require_local
from playground.protocol.commands import LoadModel
from playground.protocol.options import ENGINES
from playground.text.plain import one_line

MAX_TOKENS = 256
LAYOUTS = """JSON lines of audio and text (NeMo's too), a CSV as OpenSTT's, or a folder in LibriSpeech's layout;
the bundled recordings without it"""


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of the suite."""
    parser.add_argument("model", nargs="?", metavar="MODEL", help="a recogniser's folder, size or hub id")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--manifest", type=Path, metavar="FILE", help=LAYOUTS)
    what.add_argument("--questions", type=Path, metavar="FILE", help="JSON lines of audio, question and answer")
    parser.add_argument("--llm", metavar="MODEL", help="who answers --questions; the bundled model without it")
    parser.add_argument("--engine", choices=ENGINES[:-1], default="transformers", help="of --llm")
    parser.add_argument("--normalizer", choices=tuple(NORMALIZERS), default="basic", help="before words are compared")
    add_recognition(parser)
    add_history(parser)
    add_output(parser)


def main(args: Namespace) -> int:
    """Run the suite; returns the exit code."""
    require_local(args.llm or "")
    require_file(args.questions or args.manifest or BUNDLED)
    suite = SpeechSuite(_read(args), read_recognition(args, args.model), args.normalizer)
    engine = _engine(args) if args.questions else None
    fault = _run(suite, engine)
    hearings = suite.hearings
    if not hearings:
        raise CommandError(fault or "nothing was heard")
    conditions = Conditions([f"{fault}: {len(hearings)} of {len(suite.recordings)} recordings"] if fault else [])
    if engine:
        found = answers(suite.recordings, hearings, engine.fold)
        print_answers(found)
        report = answers_report(suite, found, conditions)
    else:
        found = []
        print_words(hearings, suite.totals)
        report = speech_report(suite, conditions)
    print_trust(report.trust)
    save_report(report, args)
    failed = any(hearing.fault for hearing in hearings) or any(answer.correct is None for answer in found)
    return int(bool(fault) or failed)


def _read(args: Namespace) -> list[SpeechSample]:
    try:
        return read_questions(args.questions) if args.questions else read_manifest(args.manifest or BUNDLED)
    except ManifestError as error:
        raise UsageError(str(error)) from None


def _engine(args: Namespace) -> WorkerEngine:
    load = LoadModel(model=args.llm or str(paths.bundled_model()))
    return WorkerEngine("transformers" if args.engine == "auto" else args.engine, load, paths.log_file("bench"))


def _run(suite: SpeechSuite, engine: WorkerEngine | None) -> str:
    """Transcribe all, then let `engine`, which is loaded first, answer; returns why it ended early, empty if not."""
    log, progress = paths.log_file("speech"), ProgressLine()

    async def whole() -> None:
        async with engine or nullcontext():
            await _transcribe_all(suite, log, progress)
            if engine:
                await ask_all(engine, suite.hearings, MAX_TOKENS)

    try:
        fault = asyncio.run(interruption(whole()))
    except EngineFailed as error:
        return one_line(error.line)
    finally:
        progress.end()
    drop_log(log)
    drop_log(paths.log_file("bench"))
    return fault


async def _transcribe_all(suite: SpeechSuite, log: Path, progress: ProgressLine) -> None:
    async with SpeechEngine(log) as engine:
        async for hearing in suite.run(engine):
            progress.show(f"{len(suite.hearings)} of {len(suite.recordings)}: {one_line(hearing.heard, 60)}")
            if hearing.fault:
                say(one_line(f"{hearing.id}: {hearing.fault}"))
