"""The suites that screens offer, in order."""

from __future__ import annotations

from collections.abc import Callable

from playground.bench.suites.attention import RunningAttention
from playground.bench.suites.code import RunningCode
from playground.bench.suites.load import RunningLoad
from playground.bench.suites.quality import RunningQuality
from playground.bench.suites.speech import RunningSpeech
from playground.bench.suites.suite import RunningSuite, Suite
from playground.bench.suites.tokenizer import RunningTokenizer

SUITES = {
    "code": Suite("Code", "tasks", (8, 16, 40), "pass@1"),
    "quality": Suite("Quality", "windows", (6, 12, 24), "bits per byte"),
    "load": Suite("Load", "requests", (8, 16, 32)),
    "attention": Suite("Attention", "calls", (3, 5, 9)),
    "tokenizer": Suite("Tokenizer", "answers", (3, 9)),
    "speech": Suite("Speech", "recordings", (4, 12), "WER", speech=True),
}
RUNNING: dict[str, Callable[[int], RunningSuite]] = {
    "code": RunningCode,
    "quality": RunningQuality,
    "load": RunningLoad,
    "attention": RunningAttention,
    "tokenizer": RunningTokenizer,
    "speech": RunningSpeech,
}
