"""The reports of recordings that were heard, and of spoken questions that were answered."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import msgspec

from playground import __version__
from playground.bench.report import UNDISTURBED, Circumstances, Report, Trust, model_name, storable
from playground.bench.speech.questions import Answer
from playground.bench.speech.words import SpeechSuite
from playground.bench.statistics import mean
from playground.protocol.metrics import FORMULAS

LIBRARIES = ("faster-whisper", "ctranslate2", "jiwer")
NAMES = ("WER", "CER", "SER", "RTF")


def speech_report(suite: SpeechSuite, under: Circumstances = UNDISTURBED) -> Report:
    """Of what was heard so far."""
    items = [msgspec.to_builtins(hearing) | {"difference": hearing.steps} for hearing in suite.hearings]
    totals = suite.totals
    return _report(suite, msgspec.to_builtins(totals), items, NAMES, totals.recordings - totals.failed, under)


def answers_report(suite: SpeechSuite, answers: Sequence[Answer], under: Circumstances = UNDISTURBED) -> Report:
    """Of what was heard, and answered; what was not answered is neither right nor wrong."""
    judged = [answer.correct for answer in answers if answer.correct is not None]
    totals = {"questions": len(answers), "correct": sum(judged), "exact_match": mean(judged)}
    totals |= {"hearing": msgspec.to_builtins(suite.totals)}
    return _report(suite, totals, msgspec.to_builtins(answers), ("Exact match", *NAMES), len(judged), under)


def _report(
    suite: SpeechSuite, totals: dict[str, Any], items: list[Any], names: Sequence[str], n: int, under: Circumstances
) -> Report:
    facts, options = suite.facts, msgspec.to_builtins(suite.options)
    trust = Trust(
        start="cold",
        prefix_hit=None,
        throttled=under.throttled,
        other_processes=under.other_processes,
        differs={},
        n=n,
        versions={"playground": __version__, **{name: version(name) for name in LIBRARIES}},
        formulas={name: FORMULAS[name] for name in names},
        notes=[*under.notes, *_unheard(suite)],
    )
    report = Report(
        suite="speech",
        model=facts.name if facts else suite.options.model,
        options={name: str(value) for name, value in options.items()} | {"model": model_name(suite.options.model)},
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
