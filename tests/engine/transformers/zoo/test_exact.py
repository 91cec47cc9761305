"""Greedy output equals `model.generate` token for token, for every architecture, however the work is cut up."""

from __future__ import annotations

from itertools import combinations, product
from typing import Any

import pytest

from tests.engine.transformers.conftest import Member
from tests.engine.transformers.driven import Driven, ask
from tests.engine.transformers.reference import MOST, Reference, generate, reference_model
from tests.engine.transformers.zoo.zoo import END, ZOO

SHAPES: dict[str, dict[str, Any]] = {
    "chunked-preempted": {"max_batch": 3, "token_budget": 7, "block_size": 16, "kv_blocks": "7"},
    "static-eager": {"batching": "static", "max_batch": 5, "token_budget": 64, "attention": "eager"},
    "one-batch": {"max_batch": 5, "token_budget": 512, "block_size": 32},
}
SETTINGS: dict[str, tuple[Any, ...]] = {
    "attention": ("auto", "eager"),
    "batching": ("continuous", "static"),
    "block_size": (16, 32),
    "room": ({"max_batch": 2, "kv_blocks": "64"}, {"max_batch": 3, "kv_blocks": "7"}),
    "token_budget": (1, 7, 512),
}
# Each pair of values stands in one of these. Where a cache is kept like a Llama's, a fault needs no more than two.
PAIRWISE = ((0, 0, 0, 1, 0), (1, 1, 1, 0, 0), (0, 0, 1, 0, 1), (1, 1, 0, 1, 1), (0, 1, 0, 0, 2), (1, 0, 1, 1, 2))
# One of each kind: plain keys and values, a window, layers that share them, ALiBi, and a latent cache.
EVERY_COMBINATION = ("llama", "mistral-sliding", "gemma3n", "falcon-alibi", "deepseek-v3")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ZOO)
def test_greedy_tokens_equal_generate(member: Member, name: str, shape: str) -> None:
    reference = member(name)
    driven = Driven(reference.folder, **SHAPES[shape])
    check(driven, reference)
    if shape == "chunked-preempted":
        assert any(step.preempted for step in driven.steps)
        assert max(slot.tokens for step in driven.steps for slot in step.slots) <= 7
    if shape == "static-eager":
        assert any(slot.phase == "held" for step in driven.steps for slot in step.slots)


def test_every_pair_of_settings_stands_in_one_of_the_combinations() -> None:
    for one, other in combinations(range(len(SETTINGS)), 2):
        values = [range(len(list(SETTINGS.values())[at])) for at in (one, other)]
        assert {(row[one], row[other]) for row in PAIRWISE} == set(product(*values))


@pytest.mark.slow
@pytest.mark.parametrize("name", ZOO)
def test_combinations_on_one_engine(member: Member, name: str) -> None:
    reference = member(name)
    driven = Driven(reference.folder)
    # Chunks of one token take most of the time and differ from chunks of seven in where they are cut alone: by pairs.
    every = [*PAIRWISE[:2], *product((0, 1), (0, 1), (0, 1), (0, 1), (1, 2))]
    for row in every if name in EVERY_COMBINATION else PAIRWISE:
        chosen = {setting: values[at] for at, (setting, values) in zip(row, SETTINGS.items(), strict=True)}
        room = chosen.pop("room")
        driven.set(**chosen)
        driven.set(**room)
        check(driven, reference)


def test_end_of_sequence_as_in_generate(member: Member) -> None:
    reference = member("llama")
    model = reference_model(reference.folder)
    asked = [
        generate(model, prompt, most, [END, reference.end])
        for prompt, most in zip(reference.prompts, MOST, strict=True)
    ]
    assert Driven(reference.folder).run(ask(reference.prompts, MOST)) == asked == reference.ended


def check(driven: Driven, reference: Reference) -> None:
    """Twice: with EOS as the end; then past it, where prefixes stored the first time are found again."""
    assert driven.run(ask(reference.prompts, MOST)) == reference.ended
    assert driven.run(ask(reference.prompts, MOST, name="again", ignore_eos=True)) == reference.outputs
    assert driven.finished("again2").metrics.cached_tokens > 0
    assert {driven.finished(f"r{index}").reason for index in range(len(MOST))} >= {"stop"}
    assert driven.finished("again0").reason == "length"
