"""Every pair of toggle values on a running request: really set, or refused with the reason that the table gives."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from playground.engine.backends.base import EngineError
from playground.engine.backends.transformers.support import CONFLICTS
from playground.engine.capabilities import conflict
from playground.protocol.options import EngineOptions, format_value, with_changes
from tests.engine.transformers.conftest import Member
from tests.engine.transformers.driven import Driven, ask

# What can be had on any CPU; device, dtype, compile and adapters have tests of their own.
VALUES: dict[str, tuple[Any, ...]] = {
    "weights": ("model", "int8", "nf4"),
    "int8_threshold": (0.0, 4.0),
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
SINGLES = [(name, value) for name, values in VALUES.items() for value in values]
PAIRS = [dict(pair) for pair in combinations(SINGLES, 2) if pair[0][0] != pair[1][0]]
BASE = {name: values[0] for name, values in VALUES.items()} | {"int8_threshold": 6.0}


def test_every_pair_is_set_on_a_running_request_or_refused(member: Member) -> None:
    pytest.importorskip("bitsandbytes")
    driven, refused = Driven(member("llama").folder, kv_blocks="32"), []
    live = driven.backend._engine
    for index, pair in enumerate(PAIRS):
        if not driven.backend.busy:
            driven.submit(ask([[3, 4, 5] * 14], 100, name=f"p{index}-", ignore_eos=True))
            driven.backend.step()
        before = live.options
        reason = conflict(with_changes(before, pair), CONFLICTS)
        try:
            applied = driven.set(**pair)
        except EngineError as error:
            assert reason and error.message == reason and error.advice
            assert live.options == before, "a refusal leaves everything as it was"
            refused.append(pair)
        else:
            assert not reason
            driven.backend.step()
            assert applied.seconds > 0 and applied.after.kv_reserved > 0
            check(live.effective(), live.reasons(), pair)
        driven.set(**BASE)
    driven.finish()
    assert live.core.runner.blocks.used == 0
    assert refused == [pair for pair in PAIRS if conflict(with_changes(EngineOptions(), pair), CONFLICTS)]
    assert {"batching": "static", "speculation": "lookup:3"} in refused


def check(effective: dict[str, str], reasons: dict[str, str], pair: dict[str, Any]) -> None:
    """What is read back is what was asked for; where it is not, a reason stands beside it."""
    for name, value in pair.items():
        said = effective[name].partition(" (from ")[0]
        if name != "attention":
            assert said == format_value(value), (name, effective[name])
        elif value != "auto" and said != value:
            assert "–" in effective[f"{name}_prefill"] + effective[f"{name}_decode"] or reasons.get(name)
