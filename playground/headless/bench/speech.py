"""`playground bench speech`: word errors over recordings, or spoken questions answered by a language model."""

from __future__ import annotations

import asyncio
from argparse import ArgumentParser, Namespace
from pathlib import Path

from playground import paths
from playground.bench.engine import EngineFailed, WorkerEngine
from playground.bench.report import Conditions
from playground.bench.speech.accuracy import NORMALIZERS
from playground.bench.speech.manifest import BUNDLED, ManifestError, SpeechSample, read_manifest, read_questions
from playground.bench.speech.questions import Answer, answer_all
from playground.bench.speech.report import answers_report, speech_report
from playground.bench.speech.speech_engine import SpeechEngine
from playground.bench.speech.words import SpeechSuite
from playground.client import drop_log
from playground.headless.arguments import add_history
from playground.headless.bench.output import add_output, print_trust, save_report
from playground.headless.bench.speech_table import print_answers, print_words
from playground.headless.bench.suite import ProgressLine
from playground.headless.errors import CommandError, UsageError
from playground.headless.recognition import add_recognition, read_recognition
from playground.headless.report import say
from playground.headless.target import require_local
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
    suite = SpeechSuite(_read(args), read_recognition(args, args.model), args.normalizer)
    fault = _transcribe_all(suite)
    hearings = suite.hearings
    if not hearings:
        raise CommandError(fault or "nothing was heard")
    notes = [f"{fault}: {len(hearings)} of {len(suite.recordings)} recordings"] if fault else []
    if args.questions:
        report = answers_report(suite, _answers(args, suite), Conditions(notes))
    else:
        print_words(suite.hearings, suite.totals)
        report = speech_report(suite, Conditions(notes))
    print_trust(report.trust)
    save_report(report, args)
    return 1 if fault or all(hearing.fault for hearing in hearings) else 0


def _read(args: Namespace) -> list[SpeechSample]:
    try:
        return read_questions(args.questions) if args.questions else read_manifest(args.manifest or BUNDLED)
    except ManifestError as error:
        raise UsageError(str(error)) from None


def _transcribe_all(suite: SpeechSuite) -> str:
    """Run the suite; returns why it ended early, empty if it did not."""
    log, progress = paths.log_file("bench"), ProgressLine()

    async def whole() -> None:
        async with SpeechEngine(log) as engine:
            async for hearing in suite.run(engine):
                progress.show(f"{len(suite.hearings)} of {len(suite.recordings)}: {one_line(hearing.heard, 60)}")
                if hearing.fault:
                    say(one_line(f"{hearing.id}: {hearing.fault}"))
        drop_log(log)

    try:
        asyncio.run(whole())
    except EngineFailed as error:
        return one_line(error.line)
    except KeyboardInterrupt:
        return "stopped by Ctrl+C"
    finally:
        progress.end()
    return ""


def _answers(args: Namespace, suite: SpeechSuite) -> list[Answer]:
    try:
        answers = asyncio.run(_answer(args, suite))
    except EngineFailed as error:
        raise CommandError(error.message, error.advice) from None
    print_answers(answers)
    return answers


async def _answer(args: Namespace, suite: SpeechSuite) -> list[Answer]:
    load = LoadModel(model=args.llm or str(paths.bundled_model()))
    log = paths.log_file("bench")
    async with WorkerEngine("transformers" if args.engine == "auto" else args.engine, load, log) as engine:
        answers = await answer_all(engine, suite.recordings[: len(suite.hearings)], suite.hearings, MAX_TOKENS)
    drop_log(log)
    return answers
