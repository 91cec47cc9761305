"""The output of `bench speech`: every recording with its words coloured by kind of error, then the rates."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from playground.bench.speech.accuracy import Step
from playground.bench.speech.questions import Answer
from playground.bench.speech.words import Hearing, SpeechTotals
from playground.bench.statistics import mean
from playground.text.numbers import UNKNOWN, count, percent, seconds, significant
from playground.text.plain import one_line

MARKS = {True: "right", False: "wrong", None: "–    "}
STYLES: dict[Step, str] = {"same": "", "substituted": "yellow", "inserted": "green", "deleted": "red strike"}


def print_words(hearings: Sequence[Hearing], totals: SpeechTotals) -> None:
    """Print one line per recording, then the rates; times on stderr."""
    console = Console(soft_wrap=True, highlight=False)
    for hearing in hearings:
        line = Text(f"{one_line(hearing.id, 16):16}  {seconds(hearing.seconds):>8}  ")
        for step, words in hearing.steps:
            line.append(f"{one_line(words)} ", STYLES[step])
        console.print(line)
    errors = totals.errors
    rates = {"WER": errors.wer, "CER": errors.cer, "SER": errors.ser}
    kinds = f"{errors.substitutions} substituted, {errors.insertions} inserted, {errors.deletions} deleted"
    shown = "   ".join(f"{name} {UNKNOWN if rate is None else f'{rate:.1%}'}" for name, rate in rates.items())
    print(f"{shown}   of {count(errors.words)} words: {kinds}   normalizer {totals.normalizer}")
    if totals.failed:
        print(f"{totals.failed} of {totals.recordings} failed, in no rate")
    latencies = f"latency p50 {seconds(totals.latency_p50_s)}, p95 {seconds(totals.latency_p95_s)}"
    print(f"RTF {significant(totals.rtf)}   {latencies}   {seconds(totals.audio_seconds)} of sound", file=sys.stderr)


def print_answers(answers: Sequence[Answer]) -> None:
    """Print one line per question: right, wrong or not answered, its transcript, the answer."""
    for answer in answers:
        mark = MARKS[answer.correct]
        print(f"{mark}  {one_line(answer.id, 12):12}  {one_line(answer.heard, 48):48}  {one_line(answer.answer, 40)}")
    judged = [answer.correct for answer in answers if answer.correct is not None]
    print(f"exact match {sum(judged)} of {len(judged)}, {percent(mean(judged))}")
