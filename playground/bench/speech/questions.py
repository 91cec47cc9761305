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
from playground.session.fold import Generated

LEAD = re.compile(r".*\banswer\b(?:\s+is\b|\s*:)", re.IGNORECASE | re.DOTALL)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One question: as it is said (empty if not known), as it was transcribed, and the answer. Latencies in seconds."""

    id: str
    question: str
    heard: str
    expected: str
    answer: str
    correct: bool
    hearing_s: float
    ttft_s: float | None = None
    e2e_s: float | None = None
    fault: str = ""


async def answer_all(
    engine: WorkerEngine, recordings: Sequence[SpeechSample], hearings: Sequence[Hearing], max_tokens: int
) -> list[Answer]:
    """Ask all questions in one batch, as they were transcribed; one without a word is not asked."""
    chat = engine.loaded.facts.has_chat_template
    sampling = SamplingParams(max_tokens=max_tokens)
    requests = [
        GenerationRequest(
            request_id=f"question-{at}",
            prompt=None if chat else f"Question: {hearing.written}\nAnswer:",
            messages=[ChatMessage("user", hearing.written)] if chat else None,
            sampling=sampling,
        )
        for at, hearing in enumerate(hearings)
        if hearing.written.strip()
    ]
    answers = {answer.request_id: answer for answer in await engine.generate(requests)} if requests else {}
    return [
        _answer(recording, hearing, answers.get(f"question-{at}"))
        for at, (recording, hearing) in enumerate(zip(recordings, hearings, strict=True))
    ]


def _answer(recording: SpeechSample, hearing: Hearing, generated: Generated | None) -> Answer:
    finished = generated.finished if generated else None
    text = generated.text if generated else ""
    fault = hearing.fault or ("no word was heard" if generated is None else "")
    return Answer(
        id=recording.id,
        question=recording.text or "",
        heard=hearing.heard,
        expected=recording.answer,
        answer=text,
        correct=bool(generated) and is_correct(text, recording.answer),
        hearing_s=hearing.seconds,
        ttft_s=finished.metrics.ttft_s if finished else None,
        e2e_s=finished.metrics.e2e_s if finished else None,
        fault=fault or (finished.message if finished else ""),
    )


def is_correct(text: str, expected: str) -> bool:
    """Whether the text is exactly the expected answer, alone or after `the answer is` or `Answer:`; case and
    punctuation do not count."""
    return basic(expected) in (basic(text), basic(LEAD.sub("", text, count=1)))
