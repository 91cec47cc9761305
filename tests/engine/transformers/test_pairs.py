"""Every pair of toggle values on a running request: really set, or refused with the reason of the table."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
import torch

from playground.engine.backends.base import EngineError
from playground.engine.backends.transformers.support import CONFLICTS
from playground.engine.backends.transformers.weights.weights import weight_bytes
from playground.protocol.conflicts import Conflict, find_conflict
from playground.protocol.option_text import parse_value
from playground.protocol.options import format_value, with_changes
from tests.engine.transformers.conftest import Member
from tests.engine.transformers.driven import Driven, ask

ADAPTER = "an adapter"
# What can be had on any CPU; the first value of each is where it goes back to.
VALUES: dict[str, tuple[Any, ...]] = {
    "compile": (False, True),
    "dtype": ("float32", "bfloat16"),
    "device": ("cpu", "auto"),
    "weights": ("model", "int8", "nf4"),
    "int8_threshold": (6.0, 0.0, 4.0),
    "adapter": ("off", ADAPTER),
    "attention": ("auto", "eager", "sdpa-math", "sdpa-flash"),
    "kv_cache": ("model", "fp8", "int8", "int4", "int2"),
    "kv_blocks": ("32", "20"),
    "block_size": (32, 16),
    "batching": ("continuous", "static"),
    "max_batch": (8, 1),
    "token_budget": (256, 3),
    "prefix_cache": (True, False),
    "speculation": ("off", "lookup:3"),
}
BASE = {name: values[0] for name, values in VALUES.items()}
SINGLES = [(name, value) for name, values in VALUES.items() for value in values[1:]]
PAIRS = [dict(pair) for pair in combinations(SINGLES, 2) if pair[0][0] != pair[1][0]]


def test_every_pair_is_set_on_a_running_request_or_refused(member: Member, adapter: str) -> None:
    driven, refused = Driven(member("llama").folder, kv_blocks="32"), []
    for index, pair in enumerate(PAIRS):
        pair = pair | ({"adapter": adapter} if "adapter" in pair else {})
        if not driven.backend.busy:
            driven.submit(ask([[3, 4, 5] * 14], 100, name=f"p{index}-", ignore_eos=True))
            driven.backend.step()
        before = driven.backend._engine.options
        found = find_conflict(with_changes(before, pair), CONFLICTS)
        try:
            applied = driven.set(**pair)
        except EngineError as error:
            assert found and error.message == str(found) and error.advice
            assert driven.backend._engine.options == before, "a refusal leaves everything as it was"
            refused.append(set(pair))
            continue
        assert not found
        driven.backend.step()
        assert applied.seconds > 0 and applied.after.kv_reserved > 0
        live = driven.backend._engine
        check(live.effective(), live.reasons(), pair)
        assert live.memory().weights == weight_bytes(live.loaded.model) + live.core.runner.packed_bytes
        driven.set(**BASE)
    driven.finish()
    assert driven.backend._engine.core.runner.blocks.used == 0
    assert refused.count({"compile", "weights"}) == 2 and {"batching", "speculation"} in refused
    torch._dynamo.reset()


@pytest.mark.parametrize("pair", CONFLICTS, ids=lambda pair: f"{pair.name}-{pair.other}={pair.other_value}")
def test_every_row_of_the_table_is_reported_and_refused_with_its_reason(
    member: Member, adapter: str, pair: Conflict
) -> None:
    driven = Driven(member("llama").folder)
    assert pair in driven.backend.capabilities().conflicts
    spelled = {"lookup": "lookup:3", "PATH": adapter}
    sides = ((pair.name, pair.value), (pair.other, pair.other_value))
    both = {name: parse_value(name, spelled.get(value, value)) for name, value in sides}
    with pytest.raises(EngineError) as caught:
        driven.set(**both)
    assert caught.value.message == str(pair) == f"{pair.name}={pair.value} {pair.against(pair.name)[3:]}"
    assert pair.against(pair.other) == f"it does not go with {pair.name}={pair.value}: {pair.reason}"


def check(effective: dict[str, str], reasons: dict[str, str], pair: dict[str, Any]) -> None:
    """The values read back are the requested ones; where not, there is a reason."""
    for name, value in pair.items():
        said = effective[name].partition(" (from ")[0]
        if name == "attention":
            assert said == value or "–" in effective[f"{name}_prefill"] + effective[f"{name}_decode"] or reasons[name]
        elif name == "device":
            assert said in ("cpu", "cuda:0")
        else:
            assert said == format_value(value).rpartition("/")[2], (name, effective[name])
