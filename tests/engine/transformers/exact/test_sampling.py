"""Sampling: the distributions of transformers' own warpers, seeds that repeat in any batch, ends that end."""

from __future__ import annotations

import pytest
import torch
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from playground.engine.backends.transformers.sampling import distribution, penalized, sample
from playground.engine.request import Request
from playground.protocol.commands import Abort, GenerationRequest, SamplingParams
from playground.protocol.timing import RequestTimer
from tests.engine.transformers.conftest import Member
from tests.engine.transformers.driven import Driven, ask
from tests.engine.transformers.zoo.zoo import END

PARAMS = (
    SamplingParams(temperature=0.7),
    SamplingParams(temperature=1.5, top_k=5),
    SamplingParams(temperature=1.0, top_k=500),
    SamplingParams(temperature=1.0, top_p=0.8),
    SamplingParams(temperature=0.9, top_p=0.001),
    SamplingParams(temperature=1.0, min_p=0.1),
    SamplingParams(temperature=0.8, repetition_penalty=1.3),
    SamplingParams(temperature=0.8, top_k=20, top_p=0.7, min_p=0.05, repetition_penalty=0.9),
)


@pytest.mark.parametrize("params", PARAMS, ids=str)
def test_distribution_agrees_with_transformers(params: SamplingParams) -> None:
    generator = torch.Generator().manual_seed(0)
    for _ in range(50):
        logits = torch.randn(100, generator=generator) * 4
        ids = torch.randint(0, 100, (1, 12), generator=generator)
        request = Request("r", ids[0, :8].tolist(), params, RequestTimer(submitted=0.0), output_ids=ids[0, 8:].tolist())
        ours = distribution(penalized(logits, request, params.repetition_penalty), params)
        theirs = warpers(params)(ids, logits[None].clone())[0].softmax(-1)
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-7)


def test_a_seed_repeats_whatever_else_is_in_the_batch(member: Member) -> None:
    reference = member("llama")
    sampling = {"temperature": 1.0, "top_p": 0.95, "ignore_eos": True}
    driven = Driven(reference.folder)
    alone = [driven.run(ask([prompt], 16, seed=7, **sampling))[0] for prompt in reference.prompts]
    seeded = ask(reference.prompts, 16, seed=7, **sampling)
    company = ask(reference.prompts, 11, name="other", **sampling)
    assert driven.run([*company[:2], *seeded, *company[2:]])[2:7] == alone
    driven.set(token_budget=7, max_batch=2, batching="static")
    assert driven.run(seeded) == alone
    driven.set(batching="continuous", max_batch=5)
    assert driven.run(seeded, {8: {"max_batch": 1}, 12: {"max_batch": 5}}) == alone
    assert driven.run(ask(reference.prompts, 16, seed=8, **sampling)) != alone


def test_a_seed_goes_on_after_a_reload_and_ends_with_its_request(member: Member) -> None:
    driven, prompt = Driven(member("llama").folder), member("llama").prompts[0]
    seeded = ask([prompt], 16, seed=7, temperature=1.0, ignore_eos=True)
    alone = driven.run(seeded)
    assert driven.run(seeded, {5: {"dtype": "auto"}, 9: {"dtype": "float32"}}) == alone
    driven.submit(seeded)
    driven.backend.step()
    driven.set(block_size=16)  # back to the queue, and ended there
    driven.backend.abort(Abort())
    assert driven.run(seeded) == alone


def test_a_temperature_next_to_nothing_is_greedy(member: Member) -> None:
    reference = member("llama")
    sampling = {"temperature": 1e-42, "seed": 1, "ignore_eos": True}
    assert Driven(reference.folder).run(ask(reference.prompts, 8, **sampling)) == [ids[:8] for ids in reference.outputs]


@pytest.mark.parametrize("number", [torch.nan, torch.inf])
def test_a_row_of_numbers_that_are_not_finite_gets_no_token_and_the_others_theirs(number: float) -> None:
    params = SamplingParams(temperature=1.0, seed=3)
    requests = [Request(name, [1], params, RequestTimer(submitted=0.0)) for name in "abc"]
    logits = torch.randn((3, 1, 50), generator=torch.Generator().manual_seed(0))
    logits[1, 0, 7] = number
    assert [len(tokens) for tokens in sample(logits, requests, [()] * 3)] == [1, 0, 1]


@pytest.mark.parametrize("penalty", [1.0, 1.2])
def test_the_largest_of_logits_that_are_nan_is_no_token(penalty: float) -> None:
    """Their arg max is the first NaN: id 0, which many tokenizers have for the end."""
    params = SamplingParams(repetition_penalty=penalty)
    requests = [Request(name, [1], params, RequestTimer(submitted=0.0)) for name in "abc"]
    logits = torch.randn((3, 3, 50), generator=torch.Generator().manual_seed(0))
    best = logits.argmax(-1).tolist()
    logits[1] = torch.nan
    logits[2, 2] = torch.nan
    drafts = [tuple(best[0][:2]), (), (best[2][0] + 1, 3)]
    assert [len(tokens) for tokens in sample(logits, requests, drafts)][:2] == [3, 0]
    if penalty == 1.0:
        assert sample(logits, requests, drafts)[2] == best[2][:1], "the draft ended before"


def test_unseeded_requests_differ(member: Member) -> None:
    reference = member("llama")
    one, other = Driven(reference.folder).run(ask([reference.prompts[0]] * 2, 16, temperature=1.5, ignore_eos=True))
    assert one != other


def test_a_stop_string_ends_and_is_not_shown(member: Member) -> None:
    reference = member("llama")
    driven = Driven(reference.folder)
    driven.run(ask([reference.prompts[0]], 24, ignore_eos=True))
    whole = driven.text("r0")
    stop = whole[4:6]
    request = ask([reference.prompts[0]], 24, name="stopped", ignore_eos=True, stop=["never there", stop])
    output = driven.run(request)[0]
    assert driven.text("stopped0") == whole[: whole.index(stop)]
    assert driven.finished("stopped0").reason == "stop"
    assert len(output) < 24


def test_max_tokens_end_with_length(member: Member) -> None:
    reference = member("llama")
    driven = Driven(reference.folder)
    assert driven.run(ask(reference.prompts, 1, ignore_eos=True)) == [output[:1] for output in reference.outputs]
    assert driven.finished("r0").reason == "length"


def test_ignored_eos_is_an_ordinary_token(member: Member) -> None:
    """As in vLLM: it is never masked, it is sampled, and generation goes on."""
    reference = member("llama")
    output = Driven(reference.folder).run(ask(reference.prompts, 24, ignore_eos=True))
    assert any(reference.end in tokens[:-1] for tokens in output)
    assert {len(tokens) for tokens in output} == {24}


def test_a_prompt_outside_the_vocabulary_is_refused(member: Member) -> None:
    driven = Driven(member("llama").folder)
    driven.submit([GenerationRequest(request_id="odd", prompt_token_ids=[END + 1000])])
    assert "not in the vocabulary" in driven.finished("odd").message


def warpers(params: SamplingParams) -> LogitsProcessorList:
    """The warpers that `generate` would build for these parameters, in its order."""
    chain = LogitsProcessorList()
    if params.repetition_penalty != 1.0:
        chain.append(RepetitionPenaltyLogitsProcessor(params.repetition_penalty))
    chain.append(TemperatureLogitsWarper(params.temperature))
    if params.top_k:
        chain.append(TopKLogitsWarper(params.top_k))
    if params.top_p < 1:
        chain.append(TopPLogitsWarper(params.top_p))
    if params.min_p:
        chain.append(MinPLogitsWarper(params.min_p))
    return chain
