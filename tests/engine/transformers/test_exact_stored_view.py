"""The stored view: with a quantized KV cache no token depends on how the work was cut up or who shared the batch."""

from __future__ import annotations

from typing import Any

import pytest

from playground.protocol.commands import GenerationRequest
from tests.engine.transformers.conftest import Member
from tests.engine.transformers.driven import Driven, ask
from tests.engine.transformers.reference import MOST, Reference

KINDS = ("fp8", "int8", "int4", "int2")
MODELS = ("llama", "llama-64")
CUTS: dict[str, dict[str, Any]] = {
    "tokens one by one": {"token_budget": 1},
    "chunks of 7": {"token_budget": 7},
    "chunks of 16": {"token_budget": 16},
    "chunks of 32": {"token_budget": 32},
    "two slots": {"max_batch": 2},
    "static": {"batching": "static"},
    "static, chunked": {"batching": "static", "token_budget": 7, "max_batch": 3},
}
SLOTS_COME_AND_GO: dict[int, dict[str, Any]] = {
    step: {"max_batch": 1 if step % 10 == 5 else 5} for step in range(5, 100, 5)
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", MODELS)
def test_tokens_depend_on_nothing_but_the_prompt(member: Member, name: str, kind: str) -> None:
    reference = member(name)
    driven = Driven(reference.folder, kv_cache=kind, max_batch=5, token_budget=512, prefix_cache=False)
    alone = [driven.run([request])[0] for request in asked(reference, "alone")]
    assert kind == "int8" or alone != reference.outputs, "a cache that loses nothing would show nothing"
    assert driven.run(asked(reference, "together")) == alone
    for label, changes in CUTS.items():
        driven.set(**({"max_batch": 5, "token_budget": 512, "batching": "continuous"} | changes))
        assert driven.run(asked(reference, label)) == alone, label
    assert not any(step.preempted for step in driven.steps)
    driven.set(batching="continuous", token_budget=33)
    assert driven.run(asked(reference, "preempted"), SLOTS_COME_AND_GO) == alone
    assert sum(len(step.preempted) for step in driven.steps) > 5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", MODELS)
def test_prefix_hits_change_nothing(member: Member, name: str, kind: str) -> None:
    reference = member(name)
    plain = Driven(reference.folder, kv_cache=kind, prefix_cache=False).run(asked(reference, "plain"))
    driven = Driven(reference.folder, kv_cache=kind, token_budget=48)
    for wave in ("first", "second"):
        assert driven.run(asked(reference, wave)) == plain
    assert driven.finished("second3").metrics.cached_tokens == 64


@pytest.mark.parametrize("kind", KINDS)
def test_blocks_of_16(member: Member, kind: str) -> None:
    reference = member("llama")
    driven = Driven(reference.folder, kv_cache=kind, block_size=16, prefix_cache=False, token_budget=512)
    whole = driven.run(asked(reference, "whole"))
    driven.set(token_budget=7, max_batch=3, kv_blocks="7")
    assert driven.run(asked(reference, "cut")) == whole


def asked(reference: Reference, name: str) -> list[GenerationRequest]:
    """The reference's requests, past EOS."""
    return ask(reference.prompts, MOST, name=name, ignore_eos=True)
