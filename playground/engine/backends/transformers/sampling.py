"""Choose the next tokens of each row, in the order of `transformers`' own logits processors.

A draft is verified by sampling as without drafts: it is accepted if it equals the sampled token. For drafts that are
looked up, not drawn, this is rejection sampling (https://arxiv.org/abs/2211.17192): a draft is accepted with the
probability that the model gives it, and the token after a rejected one is distributed as the rest. Random numbers are
drawn as without drafts too, so that a seed gives the same tokens.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from playground.engine.request import Request
from playground.protocol.commands import SamplingParams

# As in vLLM: below it, logits over the temperature are no longer finite in float32, and their limit is the arg max.
LEAST_TEMPERATURE = 1e-5
NO_TOKEN = -1


def sample(logits: Tensor, requests: Sequence[Request], drafts: Sequence[tuple[int, ...]]) -> list[list[int]]:
    """For each row of `logits` [B, q, V], the accepted drafts and one token more. Drafts are verified by the newest
    logits, one for each and one for the token after them. Empty if logits are NaN or probabilities are not finite."""
    if all(_greedy(request.sampling) and request.sampling.repetition_penalty == 1.0 for request in requests):
        # A CPU compares float32 in vectors, 16 bits one by one; the order is the same.
        seen = logits.float() if logits.device.type == "cpu" else logits
        ids = seen.argmax(-1)
        wrong = seen.gather(-1, ids.unsqueeze(-1)).squeeze(-1).isnan()  # NaN counts as the largest
        best: list[list[int]] = ids.masked_fill_(wrong, NO_TOKEN).tolist()
        return [_held(row[-1 - len(draft) :], draft) for row, draft in zip(best, drafts, strict=True)]
    return [
        _sample_row(row[-1 - len(draft) :], request, draft)
        for row, request, draft in zip(logits, requests, drafts, strict=True)
    ]


def _sample_row(logits: Tensor, request: Request, draft: tuple[int, ...]) -> list[int]:
    """Sample token by token, since each one depends on those before it."""
    tokens: list[int] = []
    while tokens == list(draft[: len(tokens)]) and len(tokens) <= len(draft):
        token = _sample_one(logits[len(tokens)], request, tokens)
        if token is None:
            break
        tokens.append(token)
    return tokens


def _sample_one(logits: Tensor, request: Request, since: Sequence[int]) -> int | None:
    params = request.sampling
    logits = penalized(logits.float(), request, params.repetition_penalty, since)
    if _greedy(params):
        best = int(logits.argmax())
        return None if logits[best].isnan() else best
    probabilities = distribution(logits, params)
    if not probabilities.isfinite().all():  # drawing from them would fail the whole batch
        return None
    return int(torch.multinomial(probabilities, 1, generator=_generator(request, logits.device)))


def _generator(request: Request, device: torch.device) -> torch.Generator:
    """The request's own generator, so that a seed repeats whatever else is in the batch."""
    if request.generator is None or request.generator.device != device:
        request.generator = torch.Generator(device)
        seed = request.sampling.seed
        request.generator.seed() if seed is None else request.generator.manual_seed(seed)
    generator: torch.Generator = request.generator
    return generator


def _greedy(params: SamplingParams) -> bool:
    return params.temperature < LEAST_TEMPERATURE


def _held(best: list[int], draft: tuple[int, ...]) -> list[int]:
    """The tokens up to and including the first one that differs from the draft; empty if their logits are NaN."""
    held = next((at for at, token in enumerate(draft) if token != best[at]), len(draft))
    return [] if NO_TOKEN in best[: held + 1] else best[: held + 1]


def penalized(logits: Tensor, request: Request, penalty: float, since: Sequence[int] = ()) -> Tensor:
    """Repetition penalty over prompt, output and the tokens `since` (CTRL, https://arxiv.org/abs/1909.05858). `logits`
    [V]."""
    if penalty == 1.0:
        return logits
    seen = torch.tensor(sorted({*request.prompt_ids, *request.output_ids, *since}), device=logits.device)
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
