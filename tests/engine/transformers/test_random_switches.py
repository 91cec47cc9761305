"""Random switches over running requests against a dense replay. `PLAYGROUND_SWITCHES=10000` runs the long one."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

from playground.engine.backends.base import EngineError
from playground.engine.backends.transformers.compile.compiler import why_not_compiled
from playground.engine.backends.transformers.support import CONFLICTS
from playground.protocol.commands import Abort
from playground.protocol.conflicts import find_conflict
from playground.protocol.events import OptionsApplied, RequestFinished
from playground.protocol.options import with_changes
from tests.engine.harness import check_partition
from tests.engine.transformers.conftest import Member
from tests.engine.transformers.driven import Driven, ask
from tests.engine.transformers.reference import DEVICE
from tests.engine.transformers.shadow import Shadow
from tests.engine.transformers.weights.test_packed_linear import in_bfloat16

SWITCHES = int(os.environ.get("PLAYGROUND_SWITCHES", "150"))
VALUES: dict[str, tuple[Any, ...]] = {
    "attention": ("auto", "eager", "sdpa-math", "sdpa-flash"),
    "batching": ("continuous", "continuous", "static"),
    "kv_cache": ("model", "fp8", "int8", "int4", "int2"),
    "kv_blocks": ("9", "12", "20", "40"),
    "prefix_cache": (True, False),
    "max_batch": (1, 2, 3, 5),
    "token_budget": (1, 5, 16, 33, 64, 300),
    "block_size": (16, 32),
    "weights": ("model", "int8", "nf4"),
    "int8_threshold": (0.0, 2.0, 6.0),
    "speculation": ("off", "lookup:2", "lookup:5"),
}


@pytest.mark.parametrize("stored", ["float32", "bfloat16"])
def test_no_wrong_token_no_leak_nobody_stuck(member: Member, adapter: str, stored: str, tmp_path: Path) -> None:
    folder = member("llama").folder if stored == "float32" else in_bfloat16("llama", tmp_path).folder
    switched_at_random(Driven(folder, kv_blocks="20"), VALUES | {"adapter": ("off", adapter)})


@pytest.mark.skipif(bool(why_not_compiled(torch.device(DEVICE))), reason="nothing can be compiled here")
def test_the_same_with_a_compiled_step(tmp_path: Path) -> None:
    driven = Driven(in_bfloat16("llama-64", tmp_path).folder, kv_blocks="20")
    switched_at_random(driven, VALUES | {"compile": (True, False)})
    live = driven.backend._engine
    assert any("fused-dequant" in said.effective["attention"] for said in driven.of(OptionsApplied))
    assert (live.compile.compiled.graphs, live.compile.compiled.recompiled) == (2, 0)
    torch._dynamo.reset()


def switched_at_random(driven: Driven, values: dict[str, tuple[Any, ...]]) -> None:
    """Requests come and go while toggles change; errors are asserted, statistics are printed."""
    chance, live = Random(5), driven.backend._engine
    shadow, refused, submitted = Shadow(live), 0, 0
    for _ in range(SWITCHES):
        if chance.random() < 0.25:
            driven.submit(ask([prompt(chance)], chance.randint(1, 30), name=f"n{submitted}-", ignore_eos=True))
            submitted += 1
        if chance.random() < 0.03 and live.core.running:
            driven.backend.abort(Abort(request_id=chance.choice(live.core.running).request_id))
        refused += not switch(driven, shadow, chance, values)
        if chance.random() < 0.03:
            driven.rebuild()
        for _ in range(chance.choice((0, 1, 1, 2))):
            step(driven)
    driven.set(kv_blocks="40", speculation="off", batching="continuous", max_batch=5, token_budget=300)
    while driven.backend.busy:
        step(driven)
    blocks = live.core.runner.blocks
    assert blocks.used == 0 and blocks.free + blocks.cached == blocks.count
    ended = driven.of(RequestFinished)
    assert len(ended) == len({event.request_id for event in ended}) == submitted
    assert all(event.reason != "error" or "KV blocks" in event.message for event in ended)
    assert sum(event.reason == "length" for event in ended) > submitted // 2
    assert shadow.checked > SWITCHES and shadow.near < shadow.checked / 50
    print(f"{SWITCHES} switches, {refused} refused, {submitted} requests, {shadow.checked} tokens, {shadow.near} near")
    print(f"{shadow.ties} ties of codes; at worst {shadow.worst} logits, {shadow.worst_kv} of the largest key or value")


def switch(driven: Driven, shadow: Shadow, chance: Random, values: dict[str, tuple[Any, ...]]) -> bool:
    """One random change; False if it is one of the conflicting pairs."""
    name = chance.choice(list(values))
    changes = {name: chance.choice(values[name])}
    found = find_conflict(with_changes(driven.backend._engine.options, changes), CONFLICTS)
    try:
        driven.set(**changes)
    except EngineError as error:
        assert found and error.message == str(found)
        return False
    assert not found
    shadow.switched()
    return True


def step(driven: Driven) -> None:
    """One step, with its bookkeeping checked."""
    if driven.backend.busy:
        driven.backend.step()
        core = driven.backend._engine.core
        check_partition(core.runner.blocks, core.running)
        assert not any(request.table for request in core.waiting)


def prompt(chance: Random) -> list[int]:
    """Up to 90 tokens, some of which repeat and some of which are shared with others."""
    shared = [[7] * 40, list(range(1, 50)), [3, 4, 5] * 12, []]
    return chance.choice(shared) + [chance.randrange(256) for _ in range(chance.randint(1, 40))]
