"""Choose the next token of each row, in the order of `transformers`' own logits processors."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from playground.engine.request import Request
from playground.protocol.commands import SamplingParams


class Sampler:
    """Keeps a random generator per request, so that a seed repeats whatever else is in the batch."""

    def __init__(self) -> None:
        self._generators: dict[str, torch.Generator] = {}

    def sample(self, logits: Tensor, requests: Sequence[Request]) -> list[int]:
        """One token id per row of `logits` [B, V]."""
        if all(is_plain_greedy(request.sampling) for request in requests):
            return logits.argmax(-1).tolist()  # type: ignore[no-any-return]
        return [self._sample_one(row, request) for row, request in zip(logits, requests, strict=True)]

    def forget(self, request: Request) -> None:
        """The request has ended."""
        self._generators.pop(request.request_id, None)

    def _sample_one(self, logits: Tensor, request: Request) -> int:
        params = request.sampling
        logits = penalized(logits.float(), request, params.repetition_penalty)
        if params.temperature == 0:
            return int(logits.argmax())
        probabilities = distribution(logits, params)
        generator = self._generator(request, logits.device)
        return int(torch.multinomial(probabilities, 1, generator=generator))

    def _generator(self, request: Request, device: torch.device) -> torch.Generator:
        generator = self._generators.get(request.request_id)
        if generator is None:
            generator = self._generators[request.request_id] = torch.Generator(device)
            seed = request.sampling.seed
            generator.seed() if seed is None else generator.manual_seed(seed)
        return generator


def is_plain_greedy(params: SamplingParams) -> bool:
    """The arg max of the raw logits decides."""
    return params.temperature == 0 and params.repetition_penalty == 1.0


def penalized(logits: Tensor, request: Request, penalty: float) -> Tensor:
    """Repetition penalty over prompt and output (CTRL, https://arxiv.org/abs/1909.05858). `logits` [V]."""
    if penalty == 1.0:
        return logits
    seen = torch.tensor(sorted({*request.prompt_ids, *request.output_ids}), device=logits.device)
    chosen = logits[seen]
    return logits.index_put((seen,), torch.where(chosen < 0, chosen * penalty, chosen / penalty))


def distribution(logits: Tensor, params: SamplingParams) -> Tensor:
    """Probabilities [V] after temperature, top-k, top-p and min-p (https://arxiv.org/abs/2407.01082)."""
    logits = logits / params.temperature
    if 0 < params.top_k < logits.numel():
        logits = logits.masked_fill(logits < logits.topk(params.top_k).values[-1], -torch.inf)
    if params.top_p < 1:
        ordered, order = logits.sort()
        surplus = ordered.softmax(-1).cumsum(-1) <= 1 - params.top_p
        surplus[-1] = False
        logits = logits.masked_fill(torch.zeros_like(surplus).scatter(0, order, surplus), -torch.inf)
    probabilities = logits.softmax(-1)
    if params.min_p > 0:
        probabilities = probabilities.masked_fill(probabilities < params.min_p * probabilities.max(), 0)
    return probabilities / probabilities.sum()
