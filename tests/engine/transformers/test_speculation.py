"""Speculation under a quantized cache, under sampling, up to each kind of end, and by real lookups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
import torch

from playground import paths
from playground.engine.backends.transformers.sampling import distribution, penalized, sample
from playground.engine.request import Request
from playground.protocol.commands import GenerationRequest, SamplingParams
from playground.protocol.dtypes import CODE_BITS
from playground.protocol.timing import RequestTimer
from tests.engine.transformers.conftest import Member
from tests.engine.transformers.drafting import counts, partly_right
from tests.engine.transformers.driven import Driven, ask
from tests.engine.transformers.reference import MOST

VOCABULARY, DRAWS = 6, 4000
# Chi-square that a true sampler exceeds once in ten thousand times, by degrees of freedom.
CRITICAL = {1: 15.1, 2: 18.4, 3: 21.1, 4: 23.5, 5: 25.7}
SAMPLED = (
    SamplingParams(temperature=1.0),
    SamplingParams(temperature=1.6, top_k=4),
    SamplingParams(temperature=1.0, top_p=0.85),
    SamplingParams(temperature=1.3, min_p=0.12),
    SamplingParams(temperature=0.9, repetition_penalty=1.5),
)


@pytest.mark.parametrize("kind", CODE_BITS)
def test_a_quantized_cache_gives_the_same_tokens(member: Member, kind: str) -> None:
    reference = member("llama-64")
    driven = Driven(reference.folder, kv_cache=kind, block_size=16, max_batch=3, token_budget=24)
    plain = driven.run(ask(reference.prompts, MOST, ignore_eos=True))
    driven.set(speculation="lookup:6")
    with partly_right(reference.prompts, plain):
        for name in ("first", "found"):
            assert driven.run(ask(reference.prompts, MOST, name=name, ignore_eos=True)) == plain
    proposed, accepted = counts(driven.steps)
    assert 0 < accepted < proposed
    assert driven.finished("found3").metrics.cached_tokens > 0


@pytest.mark.parametrize("kind", ["model", *CODE_BITS])
def test_switched_on_and_off_in_flight(member: Member, kind: str) -> None:
    """Off right after a step in which drafts were accepted, on and off again, while the same requests run."""
    reference = member("llama")
    driven = Driven(reference.folder, token_budget=64, kv_cache=kind, block_size=16)
    plain = driven.run(ask(reference.prompts, MOST, name="plain", ignore_eos=True))
    assert kind != "model" or plain == reference.outputs
    driven.submit(ask(reference.prompts, MOST, ignore_eos=True))
    with partly_right(reference.prompts, plain):
        for drafts in ("lookup:3", "lookup:6"):
            driven.set(speculation=drafts)
            step_until_accepted(driven)
            driven.set(speculation="off")
            assert driven.backend.busy, "the switch is in the middle"
            driven.backend.step()
            assert not any(slot.speculated for slot in driven.steps[-1].slots)
        driven.finish()
    assert [driven.output(f"r{index}") for index in range(len(plain))] == plain


def step_until_accepted(driven: Driven) -> None:
    while driven.backend.busy:
        driven.backend.step()
        if any(slot.accepted for slot in driven.steps[-1].slots):
            return
    raise AssertionError("no draft was accepted")


def test_a_seed_gives_the_tokens_that_it_gives_without_drafts(member: Member) -> None:
    reference = member("llama")
    sampling = {"temperature": 1.0, "top_p": 0.95, "repetition_penalty": 1.1, "seed": 7, "ignore_eos": True}
    driven = Driven(reference.folder)
    plain = driven.run(ask(reference.prompts, 16, **sampling))
    driven.set(speculation="lookup:5")
    with partly_right(reference.prompts, plain):
        assert driven.run(ask(reference.prompts, 16, name="drafted", **sampling)) == plain
    assert counts(driven.steps)[1] > 0


@pytest.mark.parametrize("most", [5, 6, 7, 8])
def test_an_answer_ends_within_a_draft(member: Member, most: int) -> None:
    reference = member("llama")
    driven = Driven(reference.folder)
    driven.run(ask(reference.prompts[:1], 24, ignore_eos=True))
    stop = driven.text("r0")[most - 1 : most + 1]
    stopped = driven.run(ask(reference.prompts[:1], 24, name="plain", stop=[stop], ignore_eos=True))
    driven.set(speculation="lookup:8")
    with partly_right(reference.prompts, reference.outputs):
        assert driven.run(ask(reference.prompts, most, name="short", ignore_eos=True)) == [
            output[:most] for output in reference.outputs
        ]
        assert driven.run(ask(reference.prompts[:1], 24, name="drafted", stop=[stop], ignore_eos=True)) == stopped
    assert driven.text("drafted0") == driven.text("plain0")
    assert driven.finished("drafted0").reason == "stop"
    assert driven.finished("short0").metrics.output_tokens == most


@pytest.mark.parametrize("params", SAMPLED, ids=str)
def test_drafts_keep_the_distribution(params: SamplingParams) -> None:
    logits = torch.randn(3, VOCABULARY, generator=torch.Generator().manual_seed(3)) * 1.5
    draft = tuple(logits[:2].topk(2).indices[:, 1].tolist())  # the second likeliest: often right, often wrong
    request = Request("r", [1, 2, 5], params, RequestTimer(submitted=0.0))
    request.generator = torch.Generator().manual_seed(0)
    draws = [sample(logits[None], [request], [draft])[0] for _ in range(DRAWS)]
    for at in range(len(draft) + 1):
        reached = [tokens[at] for tokens in draws if tokens[:at] == list(draft[:at]) and len(tokens) > at]
        exact = distribution(penalized(logits[at], request, params.repetition_penalty, draft[:at]), params)
        assert chi_square(reached, exact) < critical(exact)
        if at < len(draft):
            # A sampler that believes every draft is found out.
            assert chi_square([draft[at]] * len(reached), exact) > critical(exact)


def test_real_lookups_copy_what_repeats() -> None:
    source = 'def add(a, b):\n    """Return the sum of a and b."""\n    total = a + b\n    return total\n\n\n' * 5
    driven = Driven(paths.bundled_model(), kv_blocks="128")

    def tokens(name: str) -> list[int]:
        sampling = SamplingParams(max_tokens=96, ignore_eos=True)
        return driven.run([GenerationRequest(request_id=name, prompt=source, sampling=sampling)])[0]

    plain = tokens("plain")
    steps = len(driven.steps)
    driven.set(speculation="lookup:4")
    assert tokens("drafted") == plain
    proposed, accepted = counts(driven.steps)
    assert 20 < accepted < proposed
    assert len(driven.steps) - steps <= steps - accepted
    metrics = driven.finished("drafted").metrics
    assert metrics.tpot_s == pytest.approx((metrics.e2e_s - metrics.ttft_s) / 95)


def chi_square(tokens: Sequence[int], exact: torch.Tensor) -> float:
    """Chi-square of drawn tokens against their exact probabilities; infinite if an impossible one was drawn."""
    found = Counter(tokens)
    if any(exact[token] == 0 for token in found):
        return float("inf")
    expected = {token: float(share) * len(tokens) for token, share in enumerate(exact) if share > 0}
    return sum((found[token] - count) ** 2 / count for token, count in expected.items())


def critical(exact: torch.Tensor) -> float:
    """The bound for this many possible tokens."""
    return CRITICAL[int((exact > 0).sum()) - 1]
