"""Speculation changes no token: for every architecture, with other rows, in chunks, preempted, on cached prefixes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.transformers.conftest import Member
from tests.engine.transformers.drafting import counts, partly_right
from tests.engine.transformers.driven import Driven, ask
from tests.engine.transformers.reference import MOST
from tests.engine.transformers.zoo.zoo import ZOO

SHAPES: dict[str, dict[str, Any]] = {
    "chunked-preempted": {"max_batch": 3, "token_budget": 9, "block_size": 16, "kv_blocks": "6"},
    "one-batch": {"max_batch": 5, "token_budget": 512, "block_size": 32},
}

SLOTS_COME_AND_GO: dict[int, dict[str, Any]] = {
    step: {"max_batch": 1 if step % 8 == 4 else 3} for step in range(4, 60, 4)
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ZOO)
def test_greedy_tokens_equal_generate(member: Member, name: str, shape: str) -> None:
    reference = member(name)
    driven = Driven(reference.folder, speculation="lookup:5", **SHAPES[shape])
    with partly_right(reference.prompts, reference.outputs):
        switches = SLOTS_COME_AND_GO if shape == "chunked-preempted" else {}
        assert driven.run(ask(reference.prompts, MOST), switches) == reference.ended
        assert driven.run(ask(reference.prompts, MOST, name="again", ignore_eos=True)) == reference.outputs
    proposed, accepted = counts(driven.steps)
    assert 0 < accepted < proposed
    assert driven.finished("again2").metrics.cached_tokens > 0
    if shape == "chunked-preempted":
        assert any(step.preempted for step in driven.steps)
