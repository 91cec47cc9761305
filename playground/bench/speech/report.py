"""Reports of transcribed recordings, and of answered spoken questions."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import msgspec

from playground import __version__, paths
from playground.bench.report import UNDISTURBED, Conditions, Report, Trust
from playground.bench.speech.questions import Answer
from playground.bench.speech.words import SpeechSuite
from playground.protocol.metrics import FORMULAS

LIBRARIES = ("faster-whisper", "ctranslate2", "jiwer")
NAMES = ("WER", "CER", "SER", "RTF")


def speech_report(suite: SpeechSuite, conditions: Conditions = UNDISTURBED) -> Report:
    """Report the recordings transcribed so far."""
    items = [msgspec.to_builtins(hearing) | {"difference": hearing.steps} for hearing in suite.hearings]
    return _report(suite, msgspec.to_builtins(suite.totals), items, NAMES, conditions)


def answers_report(suite: SpeechSuite, answers: Sequence[Answer], conditions: Conditions = UNDISTURBED) -> Report:
    """Report the recordings transcribed and the questions answered."""
    right = sum(answer.correct for answer in answers)
    totals = {"questions": len(answers), "correct": right, "exact_match": right / len(answers)}
    totals |= {"hearing": msgspec.to_builtins(suite.totals)}
    return _report(suite, totals, msgspec.to_builtins(answers), ("Exact match", *NAMES), conditions)


def _report(
    suite: SpeechSuite, totals: dict[str, Any], items: list[Any], names: Sequence[str], conditions: Conditions
) -> Report:
    facts = suite.facts
    options = {name: str(value) for name, value in msgspec.to_builtins(suite.options).items()}
    trust = Trust(
        start="warm",
        prefix_hit=None,
        throttled=conditions.throttled,
        other_processes=conditions.other_processes,
        differs={},
        n=len(items),
        versions={"playground": __version__, **{name: version(name) for name in LIBRARIES}},
        formulas={name: FORMULAS[name] for name in names},
        notes=list(conditions.notes),
    )
    return Report(
        suite="speech",
        model=facts.name if facts else suite.options.model,
        options={name: str(value) for name, value in options.items()}
        | {"model": paths.model_name(suite.options.model)},
        effective={"device": facts.device, "compute_type": facts.compute_type} if facts else {},
        totals=totals,
        items=items,
        trust=trust,
    )
