"""Spoken questions: sound to text to a language model's answer, and whether that is the expected one."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from playground.bench.engine import WorkerEngine
from playground.bench.speech.accuracy import basic
from playground.bench.speech.manifest import SpeechSample
from playground.bench.speech.words import Hearing
from playground.protocol.commands import ChatMessage, GenerationRequest, SamplingParams
from playground.session.fold import Fold, Generated

LEAD = re.compile(r".*\banswer\b(?:\s+is\b|\s*:)", re.IGNORECASE | re.DOTALL)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One question: as it is said (empty if not known), as it was transcribed, and the answer. `correct`: None if it
    could not be transcribed or was not answered. Latencies in seconds."""

    id: str
    question: str
    heard: str
    expected: str
    answer: str
    correct: bool | None
    hearing_s: float
    ttft_s: float | None = None
    e2e_s: float | None = None
    fault: str = ""


async def ask_all(engine: WorkerEngine, hearings: Sequence[Hearing], max_tokens: int) -> None:
    """Ask all questions in one batch, as they were transcribed; one without a word is not asked."""
    chat = engine.loaded.facts.has_chat_template
    sampling = SamplingParams(max_tokens=max_tokens)
    requests = [
        GenerationRequest(
            request_id=_request_id(at),
            prompt=None if chat else f"Question: {hearing.written}\nAnswer:",
            messages=[ChatMessage("user", hearing.written)] if chat else None,
            sampling=sampling,
        )
        for at, hearing in enumerate(hearings)
        if hearing.written.strip()
    ]
    if requests:
        await engine.generate(requests)


def answers(recordings: Sequence[SpeechSample], hearings: Sequence[Hearing], fold: Fold) -> list[Answer]:
    """The answers of an engine that was asked, to the transcribed questions, however the engine ended."""
    return [
        _answer(recording, hearing, fold.requests.get(_request_id(at)))
        for at, (recording, hearing) in enumerate(zip(recordings, hearings, strict=False))
    ]


def _request_id(at: int) -> str:
    return f"question-{at}"


def _answer(recording: SpeechSample, hearing: Hearing, generated: Generated | None) -> Answer:
    finished = generated.finished if generated else None
    text = generated.text if generated else ""
    silent = not hearing.fault and not hearing.written.strip()
    served = generated is not None and generated.served
    unanswered = finished.message if finished and finished.message else "it was not answered"
    return Answer(
        id=recording.id,
        question=recording.text or "",
        heard=hearing.heard,
        expected=recording.answer,
        answer=text,
        correct=is_correct(text, recording.answer) if served else False if silent else None,
        hearing_s=hearing.seconds,
        ttft_s=finished.metrics.ttft_s if finished else None,
        e2e_s=finished.metrics.e2e_s if finished else None,
        fault=hearing.fault or ("no word was heard" if silent else "" if served else unanswered),
    )


def is_correct(text: str, expected: str) -> bool:
    """Whether the text is exactly the expected answer, alone or after `the answer is` or `Answer:`; case and
    punctuation do not count."""
    return basic(expected) in (basic(text), basic(LEAD.sub("", text, count=1)))
