"""`playground bench speech`: word errors over recordings, or spoken questions answered by a language model."""

from __future__ import annotations

import asyncio
import os
from argparse import ArgumentParser, Namespace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from playground import __version__, paths
from playground.bench.engine import Engine, EngineFailed
from playground.bench.report import Report, Trust
from playground.bench.speech.accuracy import NORMALIZERS
from playground.bench.speech.ear import Ear
from playground.bench.speech.manifest import ManifestError, Recording, read_manifest, read_questions
from playground.bench.speech.questions import Answer, answer_all
from playground.bench.speech.words import SpeechSuite
from playground.headless.arguments import ENGINES, add_history
from playground.headless.bench.output import add_output, print_trust, save_report
from playground.headless.bench.speech_table import print_answers, print_words
from playground.headless.bench.suite import Progress
from playground.headless.errors import CommandError, UsageError
from playground.headless.recognition import add_recognition, read_recognition
from playground.headless.report import say
from playground.protocol.commands import LoadModel
from playground.protocol.metrics import FORMULAS
from playground.tui.plain_text import one_line

BUNDLED = Path(__file__).parents[2] / "bench" / "speech" / "recordings" / "manifest.jsonl"
LIBRARIES = ("faster-whisper", "ctranslate2", "jiwer")
NAMES = ("WER", "CER", "SER", "RTF")
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
    """Run the suite; the exit code."""
    suite = SpeechSuite(_read(args), read_recognition(args, args.model), args.normalizer)
    fault = _hear(suite)
    hearings = suite.hearings
    if not hearings:
        raise CommandError(fault or "nothing was heard")
    notes = [f"{fault}: {len(hearings)} of {len(suite.recordings)} recordings"] if fault else []
    report = _answers(args, suite, notes) if args.questions else _words(suite, notes)
    print_trust(report.trust)
    save_report(report, args)
    return 1 if fault or all(hearing.fault for hearing in hearings) else 0


def _read(args: Namespace) -> list[Recording]:
    try:
        return read_questions(args.questions) if args.questions else read_manifest(args.manifest or BUNDLED)
    except ManifestError as error:
        raise UsageError(str(error)) from None


def _hear(suite: SpeechSuite) -> str:
    """Why it ended before its time; empty if it did not."""
    log, progress = paths.log_folder() / f"bench-{os.getpid()}.log", Progress()

    async def whole() -> None:
        async with Ear(log) as ear:
            async for hearing in suite.run(ear):
                progress.show(f"{len(suite.hearings)} of {len(suite.recordings)}: {one_line(hearing.heard, 60)}")
                if hearing.fault:
                    say(one_line(f"{hearing.id}: {hearing.fault}"))
        log.unlink(missing_ok=True)

    try:
        asyncio.run(whole())
    except EngineFailed as error:
        return one_line(error.message, error.advice)
    except KeyboardInterrupt:
        return "stopped by Ctrl+C"
    finally:
        progress.end()
    return ""


def _words(suite: SpeechSuite, notes: list[str]) -> Report:
    print_words(suite.hearings, suite.totals)
    items = [msgspec.to_builtins(hearing) | {"difference": hearing.steps} for hearing in suite.hearings]
    return _report(suite, msgspec.to_builtins(suite.totals), items, NAMES, notes)


def _answers(args: Namespace, suite: SpeechSuite, notes: list[str]) -> Report:
    try:
        answers = asyncio.run(_answer(args, suite))
    except EngineFailed as error:
        raise CommandError(error.message, error.advice) from None
    print_answers(answers)
    right = sum(answer.correct for answer in answers)
    totals = {"questions": len(answers), "correct": right, "exact_match": right / len(answers)}
    totals |= {"hearing": msgspec.to_builtins(suite.totals)}
    return _report(suite, totals, msgspec.to_builtins(answers), ("Exact match", *NAMES), notes)


async def _answer(args: Namespace, suite: SpeechSuite) -> list[Answer]:
    load = LoadModel(model=args.llm or str(paths.bundled_model()))
    log = paths.log_folder() / f"bench-{os.getpid()}.log"
    async with Engine("transformers" if args.engine == "auto" else args.engine, load, log) as engine:
        answers = await answer_all(engine, suite.recordings[: len(suite.hearings)], suite.hearings, MAX_TOKENS)
    log.unlink(missing_ok=True)
    return answers


def _report(
    suite: SpeechSuite, totals: dict[str, Any], items: list[Any], names: tuple[str, ...], notes: list[str]
) -> Report:
    facts = suite.facts
    options = {name: str(value) for name, value in msgspec.to_builtins(suite.options).items()}
    trust = Trust(
        start="warm",
        prefix_hit=None,
        throttled=None,
        other_processes=None,
        differs={},
        n=len(items),
        versions={"playground": __version__, **{name: version(name) for name in LIBRARIES}},
        formulas={name: FORMULAS[name] for name in names},
        notes=[f"normalizer: {suite.normalizer}", *notes],
    )
    return Report(
        suite="speech",
        model=facts.name if facts else suite.options.model,
        options=options,
        effective={"device": facts.device, "compute_type": facts.compute_type} if facts else {},
        totals=totals,
        items=items,
        trust=trust,
    )
