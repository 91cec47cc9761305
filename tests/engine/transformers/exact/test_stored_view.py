"""The stored view: with a quantized KV cache no token depends on chunking or on who shared the batch."""

from __future__ import annotations

from typing import Any

import pytest

from playground.protocol.commands import GenerationRequest
from tests.engine.transformers.conftest import Member
from tests.engine.transformers.driven import Driven, ask
from tests.engine.transformers.reference import MOST, Reference

KINDS = ("fp8", "int8", "int4", "int2")
POLICIES = ("continuous", "static")
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
    for policy in POLICIES:
        driven.set(batching=policy, token_budget=33, max_batch=5)
        seen = len(driven.steps)
        assert driven.run(asked(reference, f"preempted-{policy}"), SLOTS_COME_AND_GO) == alone, policy
        assert sum(len(step.preempted) for step in driven.steps[seen:]) > 5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", MODELS)
def test_prefix_hits_change_nothing(member: Member, name: str, kind: str) -> None:
    reference = member(name)
    plain = Driven(reference.folder, kv_cache=kind, prefix_cache=False).run(asked(reference, "plain"))
    driven = Driven(reference.folder, kv_cache=kind, token_budget=48)
    for policy in POLICIES:
        driven.backend.reset_prefix_cache()
        driven.set(batching=policy)
        for wave in ("first", "second"):
            assert driven.run(asked(reference, f"{policy}-{wave}")) == plain, (policy, wave)
        found = [driven.finished(f"{policy}-{wave}3").metrics.cached_tokens for wave in ("first", "second")]
        assert found[1] == 64 > found[0]


@pytest.mark.parametrize("kind", KINDS)
def test_who_runs_out_of_blocks_finds_them_again(member: Member, kind: str) -> None:
    reference = member("llama-64")
    plain = Driven(reference.folder, kv_cache=kind, block_size=16, prefix_cache=False).run(asked(reference, "plain"))
    driven = Driven(reference.folder, kv_cache=kind, block_size=16, kv_blocks="8", token_budget=48)
    for policy in POLICIES:
        computed = []
        for cached in (False, True):
            seen = len(driven.steps)
            driven.set(batching=policy, prefix_cache=cached)
            assert driven.run(asked(reference, f"{policy}-{cached}-")) == plain, (policy, cached)
            steps = driven.steps[seen:]
            assert any(step.preempted for step in steps)
            computed.append(sum(slot.tokens for step in steps for slot in step.slots if slot.phase == "prefill"))
        assert computed[0] > computed[1], "blocks were found again"


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
