"""Needles: a code given in the first line and asked for in the last, by length of the text between and by KV dtype."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from time import perf_counter

import msgspec

from playground.bench.engine import WorkerEngine
from playground.bench.statistics import mean
from playground.protocol.commands import GenerationRequest, SamplingParams, Tokenize
from playground.protocol.events import Tokenized
from playground.protocol.options import TOGGLES
from playground.session.fold import Generated
from playground.synthetic.filler import draw_filler
from playground.synthetic.haystack import draw_haystack

ANSWER_TOKENS = 8
PROBE_PARTS = 40


class Recall(msgspec.Struct, frozen=True, kw_only=True):
    """Answers at one `length` to the `needles` that were served; `failed` were not, the first of them for `fault`.
    `tokens`: mean tokens of the prompts; `right`: answers that begin with the given code; both None if none was served.
    `seconds`: from all prompts to all answers."""

    kv_cache: str
    length: int
    tokens: float | None
    needles: int
    right: int | None
    seconds: float | None = None
    failed: int = 0
    fault: str = ""


async def measure_recall(
    engine: WorkerEngine,
    lengths: Sequence[int],
    needles: int,
    kv_caches: Sequence[str],
    on_recall: Callable[[Recall], None],
) -> None:
    """Ask the same prompts under each KV dtype; all needles of a length are answered as one batch."""
    if not (lengths and kv_caches):
        return
    ratio = await _characters_per_token(engine)
    prompts = {length: _prompts(length, needles, ratio) for length in lengths}
    for kv_cache in kv_caches:
        await engine.apply(kv_cache=kv_cache)
        for length, of_length in prompts.items():
            on_recall(await _ask(engine, kv_cache, length, of_length))


async def _ask(engine: WorkerEngine, kv_cache: str, length: int, prompts: Sequence[tuple[str, str]]) -> Recall:
    """Ask (prompt, code) pairs on a cold prefix cache."""
    engine.reset_prefix_cache()
    name = f"needle-{kv_cache}-{length}"
    begun = perf_counter()
    answers = await engine.generate([_request(f"{name}-{at}", text) for at, (text, _) in enumerate(prompts)])
    return _recall(kv_cache, length, answers, [code for _, code in prompts], perf_counter() - begun)


def _recall(kv_cache: str, length: int, answers: Sequence[Generated], codes: Sequence[str], seconds: float) -> Recall:
    served = [(answer, code) for answer, code in zip(answers, codes, strict=True) if answer.served]
    faults = [answer.finished.message for answer in answers if answer.finished and not answer.served]
    return Recall(
        kv_cache=kv_cache,
        length=length,
        tokens=mean([answer.finished.metrics.prompt_tokens for answer, _ in served if answer.finished]),
        needles=len(served),
        right=sum(answer.text.lstrip().startswith(f"{code}.") for answer, code in served) if served else None,
        seconds=seconds,
        failed=len(faults),
        fault=faults[0] or "stopped" if faults else "",
    )


def possible_kv_caches(engine: WorkerEngine) -> list[str]:
    """The KV dtypes that this engine offers."""
    toggle = engine.loaded.capabilities.toggle("kv_cache")
    found = [(name, toggle.find(name)) for name in TOGGLES["kv_cache"].values] if toggle else []
    return [name for name, support in found if support and support.possible]


async def _characters_per_token(engine: WorkerEngine) -> float:
    random = Random(0)
    text = "\n".join(draw_filler(random).strip() for _ in range(PROBE_PARTS))
    answer = await engine.ask(Tokenize(key="filler", texts=[text]), Tokenized)
    return len(text) / max(1, len(answer.token_ids[0]))


def _prompts(length: int, needles: int, ratio: float) -> list[tuple[str, str]]:
    random = Random(length)
    return [draw_haystack(random, length, lambda text: round(len(text) / ratio)) for _ in range(needles)]


def _request(request_id: str, prompt: str) -> GenerationRequest:
    return GenerationRequest(request_id=request_id, prompt=prompt, sampling=SamplingParams(max_tokens=ANSWER_TOKENS))
