"""Compare a few greedy tokens of a fresh engine with the reference of its checkpoint."""

from __future__ import annotations

from vllm import SamplingParams as VllmSampling
from vllm.inputs import TokensPrompt

from playground.engine.backends.vllm.engine import Engine
from playground.engine.backends.vllm.references import (
    SMALL_BYTES,
    TEXTS,
    TOKENS,
    UNVERIFIED,
    Verdict,
    answer_with_transformers,
    digest,
    judge,
    keep_reference,
    read_reference,
)
from playground.engine.checkpoint.checkpoint import Checkpoint
from playground.protocol.commands import GenerationRequest
from playground.protocol.options import EngineOptions

PLAIN = ("weights", "kv_cache", "attention", "speculation", "compile", "dtype")


def verify(engine: Engine, checkpoint: Checkpoint, options: EngineOptions) -> Verdict:
    """Compare with the reference. Without one, make it with transformers if the checkpoint is small, or from these
    answers if all toggles that change them are at their defaults."""
    requests = [GenerationRequest(request_id=f"verify{index}", prompt=text) for index, text in enumerate(TEXTS)]
    prompts = [engine.tokenizer.encode(request) for request in requests]
    answers = _answers(engine, prompts)
    key = digest(checkpoint)
    reference = read_reference(key)
    if reference is None and checkpoint.weight_bytes <= SMALL_BYTES and not engine.quantized:
        keep_reference(key, answer_with_transformers(checkpoint, prompts), "transformers in float32")
        reference = read_reference(key)
    if reference is None:
        if _plain(options):
            keep_reference(key, answers, "vLLM with its toggles as they come")
        return UNVERIFIED
    return judge(answers, reference)


def _answers(engine: Engine, prompts: list[list[int]]) -> list[list[int]]:
    for index, prompt in enumerate(prompts):
        params = VllmSampling(max_tokens=TOKENS, temperature=0.0, detokenize=False)
        engine.llm.add_request(str(index), TokensPrompt(prompt_token_ids=prompt), params)
    answers = {output.request_id: list(output.outputs[0].token_ids) for output in engine.outputs()}
    engine.llm.reset_prefix_cache()
    return [answers[str(index)] for index in range(len(prompts))]


def _plain(options: EngineOptions) -> bool:
    return all(getattr(options, name) == getattr(EngineOptions(), name) for name in PLAIN)
