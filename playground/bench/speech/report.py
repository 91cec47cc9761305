"""Reports of transcribed recordings, and of answered spoken questions."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import msgspec

from playground import __version__, paths
from playground.bench.report import UNDISTURBED, Conditions, Report, Trust, storable
from playground.bench.speech.questions import Answer
from playground.bench.speech.words import SpeechSuite
from playground.bench.statistics import mean
from playground.protocol.metrics import FORMULAS

LIBRARIES = ("faster-whisper", "ctranslate2", "jiwer")
NAMES = ("WER", "CER", "SER", "RTF")


def speech_report(suite: SpeechSuite, conditions: Conditions = UNDISTURBED) -> Report:
    """Report the recordings transcribed so far."""
    items = [msgspec.to_builtins(hearing) | {"difference": hearing.steps} for hearing in suite.hearings]
    totals = suite.totals
    return _report(suite, msgspec.to_builtins(totals), items, NAMES, totals.recordings - totals.failed, conditions)


def answers_report(suite: SpeechSuite, answers: Sequence[Answer], conditions: Conditions = UNDISTURBED) -> Report:
    """Report the recordings transcribed and the questions answered; an unanswered one is neither right nor wrong."""
    judged = [answer.correct for answer in answers if answer.correct is not None]
    totals = {"questions": len(answers), "correct": sum(judged), "exact_match": mean(judged)}
    totals |= {"hearing": msgspec.to_builtins(suite.totals)}
    return _report(suite, totals, msgspec.to_builtins(answers), ("Exact match", *NAMES), len(judged), conditions)


def _report(
    suite: SpeechSuite, totals: dict[str, Any], items: list[Any], names: Sequence[str], n: int, conditions: Conditions
) -> Report:
    facts = suite.facts
    options = {name: str(value) for name, value in msgspec.to_builtins(suite.options).items()}
    trust = Trust(
        start="cold",
        prefix_hit=None,
        throttled=conditions.throttled,
        other_processes=conditions.other_processes,
        differs={},
        n=n,
        versions={"playground": __version__, **{name: version(name) for name in LIBRARIES}},
        formulas={name: FORMULAS[name] for name in names},
        notes=[*conditions.notes, *_unheard(suite)],
    )
    report = Report(
        suite="speech",
        model=facts.name if facts else suite.options.model,
        options={name: str(value) for name, value in options.items()}
        | {"model": paths.model_name(suite.options.model)},
        effective={"device": facts.device, "compute_type": facts.compute_type} if facts else {},
        totals=totals,
        items=items,
        trust=trust,
    )
    return storable(report)


def _unheard(suite: SpeechSuite) -> list[str]:
    faults = [hearing.fault for hearing in suite.hearings if hearing.fault]
    if not faults:
        return []
    return [f"{len(faults)} of {len(suite.hearings)} recordings failed, in no rate: {faults[0]}"]
