"""Tokens per word, bytes and characters, text by text; and a speed in tokens as a speed in characters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

import msgspec

from playground.bench.engine import EngineFailed, WorkerEngine
from playground.bench.texts import Text
from playground.protocol.commands import GenerationRequest, SamplingParams, Tokenize
from playground.protocol.events import Tokenized
from playground.text.sequences import common_prefix

PROBES = ("a", "1", "Я")
SPEED = "tps"  # prefix of the names of requests that only measure speed
PROMPT_TOKENS, ANSWER_TOKENS, RUNS = 32, 96, 3


class TextTokens(msgspec.Struct, frozen=True, kw_only=True):
    """One text. `fertility` is tokens per word; `characters_per_second` is the measured TPS in characters of this
    text."""

    name: str
    language: str
    domain: str
    bytes: int
    characters: int
    words: int
    tokens: int
    fertility: float | None
    bytes_per_token: float | None
    characters_per_token: float | None
    characters_per_second: float | None = None


async def count_tokens(engine: WorkerEngine, texts: Sequence[Text]) -> list[TextTokens]:
    """Count each text in tokens of the loaded model's tokenizer, without special tokens."""
    wanted = [*PROBES, *(text.content for text in texts)]
    answer = await engine.ask(Tokenize(key="count", texts=wanted), Tokenized, lambda event: event.key == "count")
    probes, rest = answer.token_ids[: len(PROBES)], answer.token_ids[len(PROBES) :]
    # The probes share no character, so that common ids at either end are special tokens.
    special = common_prefix(*probes) + common_prefix(*(ids[::-1] for ids in probes))
    return [_text_tokens(text, max(0, len(ids) - special)) for text, ids in zip(texts, rest, strict=True)]


async def measure_tps(
    engine: WorkerEngine, text: Text, runs: int = RUNS, on_run: Callable[[float], None] = lambda tps: None
) -> float | None:
    """Median decode TPS of a few greedy answers to the beginning of a text, one at a time; `on_run` gets each TPS."""
    answer = await engine.ask(Tokenize(key="prompt", texts=[text.content]), Tokenized)
    prompt = answer.token_ids[0][:PROMPT_TOKENS]
    found = []
    for run in range(runs + 1):  # the first one warms up
        engine.reset_prefix_cache()
        sampling = SamplingParams(max_tokens=ANSWER_TOKENS, ignore_eos=True)
        request = GenerationRequest(request_id=f"{SPEED}{run}", prompt_token_ids=prompt, sampling=sampling)
        finished = (await engine.generate([request]))[0].finished
        if finished and finished.reason == "error":
            raise EngineFailed(finished.message)
        if finished and finished.metrics.decode_tps is not None:
            found.append(finished.metrics.decode_tps)
            if run:
                on_run(found[-1])
    return median(found[1:]) if len(found) > 1 else None


def at_speed(texts: Sequence[TextTokens], tps: float | None) -> list[TextTokens]:
    """The same texts with characters per second."""
    return [
        msgspec.structs.replace(text, characters_per_second=tps * text.characters_per_token)
        if tps and text.characters_per_token
        else text
        for text in texts
    ]


def _text_tokens(text: Text, tokens: int) -> TextTokens:
    return TextTokens(
        name=text.name,
        language=text.language,
        domain=text.domain,
        bytes=text.size,
        characters=len(text.content),
        words=text.words,
        tokens=tokens,
        fertility=tokens / text.words if text.words else None,
        bytes_per_token=text.size / tokens if tokens else None,
        characters_per_token=len(text.content) / tokens if tokens else None,
    )
