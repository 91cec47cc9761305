"""Sampling parameters in vLLM's terms."""

from __future__ import annotations

from vllm import SamplingParams as VllmSampling
from vllm.sampling_params import RequestOutputKind

from playground.engine.request import Request


def sampling_of(request: Request, context: int) -> VllmSampling:
    """Parameters for what is left of a request. Text and stop strings are handled by our detokenizer, and the loop
    takes tokens from vLLM's core, so its front end need not build an output for each step."""
    wanted = request.sampling
    most = min(wanted.max_tokens - len(request.output_ids), context - request.length)
    return VllmSampling(
        max_tokens=most,
        temperature=wanted.temperature,
        top_k=wanted.top_k,
        top_p=wanted.top_p,
        min_p=wanted.min_p,
        repetition_penalty=wanted.repetition_penalty,
        seed=wanted.seed,
        ignore_eos=wanted.ignore_eos,
        detokenize=False,
        output_kind=RequestOutputKind.FINAL_ONLY,
    )
