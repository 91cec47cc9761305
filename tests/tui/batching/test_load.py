"""A load is drawn from its seed: the same for both policies, within its bounds, read from what is typed."""

from __future__ import annotations

from random import Random
from statistics import median

import pytest

from playground.bench.load.arrivals import Arrivals, delays, parse_arrivals
from playground.bench.load.lengths import Lengths, draw, parse_lengths
from playground.tui.batching.fields import FIELDS
from playground.tui.state.load_profile import LoadProfile, read_name, requests

VOCABULARY = 500


def test_both_policies_get_the_same_requests_but_for_their_names() -> None:
    profile = LoadProfile(arrivals=Arrivals("poisson", 8.0), shared=50)
    static, continuous = (requests(profile, policy, 3, VOCABULARY) for policy in ("static", "continuous"))
    assert len(static) == profile.requests
    for one, other in zip(static, continuous, strict=True):
        assert (one.prompt_token_ids, one.sampling, one.delay_s) == (
            other.prompt_token_ids,
            other.sampling,
            other.delay_s,
        )
        assert one.request_id != other.request_id
    assert read_name(static[5].request_id) == (3, "static", 5)
    assert read_name("r5") is None
    assert read_name(requests(profile, "vllm", 3, VOCABULARY)[5].request_id) == (3, "vllm", 5)
    assert LoadProfile().sides("vllm") == ("static", "continuous")
    assert LoadProfile(against="vllm").sides("transformers") == ("transformers", "vllm")


def test_the_seed_alone_decides() -> None:
    assert requests(LoadProfile(seed=1), "static", 1, VOCABULARY) == requests(
        LoadProfile(seed=1), "static", 1, VOCABULARY
    )
    drawn = [requests(LoadProfile(seed=seed), "static", 1, VOCABULARY) for seed in (1, 2)]
    assert drawn[0] != drawn[1]


def test_prompts_share_what_was_asked_for_and_stay_in_the_vocabulary() -> None:
    prompts = [
        each.prompt_token_ids or [] for each in requests(LoadProfile(prompt=40, shared=25), "static", 1, VOCABULARY)
    ]
    assert all(len(prompt) == 40 and prompt[:10] == prompts[0][:10] for prompt in prompts)
    assert len({tuple(prompt[10:]) for prompt in prompts}) == len(prompts)
    assert all(0 <= token_id < VOCABULARY for prompt in prompts for token_id in prompt)


@pytest.mark.parametrize("text", ["lognormal 16..256", "uniform 16..256", "fixed 64"])
def test_lengths_keep_to_their_bounds(text: str) -> None:
    lengths, random = parse_lengths(text), Random(0)
    drawn = [draw(lengths, random) for _ in range(2000)]
    assert str(lengths) == text
    assert lengths.low <= min(drawn) and max(drawn) <= lengths.high
    if lengths.kind == "lognormal":
        assert 58 <= median(drawn) <= 70  # the geometric mean of 16 and 256 is 64
        assert max(drawn) > 200
    if lengths.kind == "uniform":
        assert 125 <= median(drawn) <= 147


def test_arrivals() -> None:
    assert delays(parse_arrivals("all"), 3, Random(0)) == [0.0, 0.0, 0.0]
    assert delays(parse_arrivals("burst:2"), 5, Random(0)) == [0.0, 0.0, 1.0, 1.0, 2.0]
    drawn = delays(parse_arrivals("poisson:10"), 2001, Random(0))
    assert drawn[0] == 0.0 and drawn == sorted(drawn)
    assert 185 <= drawn[-1] <= 215  # 2 000 gaps of 0.1 s on average


@pytest.mark.parametrize(
    "text", ["", "none", "poisson", "poisson:0", "poisson:nan", "poisson:inf", "burst:0", "burst:1.5"]
)
def test_arrivals_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="it takes all, poisson:RATE"):
        parse_arrivals(text)


@pytest.mark.parametrize("text", ["", "fixed", "fixed 0", "uniform 9", "uniform 9..8", "lognormal 0..8", "gamma 1..2"])
def test_lengths_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="it takes lognormal LOW"):
        parse_lengths(text)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_every_choice_of_a_field_can_be_typed(field) -> None:
    profile = LoadProfile()
    for _ in field.choices:
        profile = field.step(profile, 1)
        assert field.set(LoadProfile(), field.text(profile)) == profile or field.text(profile) in field.choices
    assert field.step(field.step(profile, 1), -1) == profile
    with pytest.raises(ValueError, match=f"{field.name} cannot be"):
        field.set(profile, "much")


def test_lengths_and_arrivals_say_themselves_as_they_are_typed() -> None:
    assert str(Lengths("fixed", 8, 8)) == "fixed 8"
    assert str(parse_arrivals("poisson:2.5")) == "poisson:2.5"
    assert parse_arrivals("burst:4").timed and not parse_arrivals("all").timed
