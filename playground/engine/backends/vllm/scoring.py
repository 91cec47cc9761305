"""Teacher-forced nll from vLLM's prompt logprobs, with the likeliest ids; vLLM does not give whole rows of logits."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from vllm import SamplingParams as VllmSampling
from vllm.inputs import TokensPrompt
from vllm.logprobs import Logprob

from playground.engine.backends.base import EngineError
from playground.engine.backends.vllm.engine import Engine
from playground.protocol.commands import Score
from playground.protocol.events import Scored

MOST_LIKELIEST = 20  # vLLM's default of max_logprobs


def score(command: Score, engine: Engine, check: Callable[[], None]) -> Scored:
    """Score while nothing else runs; raises `EngineError`, and what `check` raises between two steps."""
    started, ids = perf_counter(), command.token_ids
    if command.keep_as or command.against:
        raise EngineError("vLLM hands out no rows of logits to compare", "the transformers engine compares")
    if command.likeliest > MOST_LIKELIEST:
        raise EngineError(f"vLLM tells no more than {MOST_LIKELIEST} log-probabilities of a position", "ask for fewer")
    most = min(engine.context, engine.pool.tokens) - 1
    if not 2 <= len(ids) <= most:
        raise EngineError(f"{len(ids)} tokens cannot be scored", f"score from 2 to {most} at a time")
    inner = engine.llm.add_request(
        "score",
        TokensPrompt(prompt_token_ids=ids),
        VllmSampling(max_tokens=1, temperature=0.0, prompt_logprobs=max(1, command.likeliest), detokenize=False),
    )
    logprobs: list[dict[int, Logprob]] = []
    try:
        for output in engine.outputs(check):
            logprobs = output.prompt_logprobs or logprobs
    except BaseException:
        engine.llm.abort_request([inner], internal=True)
        raise
    pairs = list(zip(ids[1:], logprobs[1:], strict=True))
    rows = [{each: found.logprob for each, found in row.items()} for _, row in pairs] if command.likeliest else []
    return Scored(
        key=command.key,
        nll=[-row[token_id].logprob for token_id, row in pairs],
        top=[max(row, key=lambda token_id: row[token_id].logprob) for _, row in pairs],
        seconds=perf_counter() - started,
        likeliest=rows,
    )
