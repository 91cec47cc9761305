"""Under compile=on decode attends over a quantized cache as it is stored: it says so, answers the same, copies nothing,
and comes and goes with the switches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from playground.engine.backends.transformers import codes_attention
from playground.engine.backends.transformers.codes_attention import FUSED, KINDS
from playground.engine.backends.transformers.compiler import why_not_compiled
from playground.protocol.events import OptionsApplied
from tests.engine.transformers.conftest import Member
from tests.engine.transformers.drafting import counts
from tests.engine.transformers.driven import Driven, ask
from tests.engine.transformers.reference import DEVICE, prompts
from tests.engine.transformers.test_packed_linear import in_bfloat16

pytestmark = pytest.mark.skipif(
    DEVICE != "cpu" or bool(why_not_compiled(torch.device("cpu"))), reason="of a CPU, and needs a compiler"
)


@pytest.fixture(autouse=True)
def traced(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Graphs are traced and run as they are: what they are compiled to is tested elsewhere, and takes seconds."""
    from torch._inductor import compile_fx

    monkeypatch.setattr(compile_fx, "compile_fx", lambda graph, inputs, **options: graph.forward)
    yield
    torch._dynamo.reset()


@pytest.mark.parametrize("kind", KINDS)
def test_decode_takes_it_under_compile_and_says_so(member: Member, kind: str, tmp_path: Path) -> None:
    for dtype in ("float32", "bfloat16"):
        folder = member("llama-64").folder if dtype == "float32" else in_bfloat16("llama-64", tmp_path).folder
        driven = Driven(folder, dtype=dtype, kv_cache=kind, max_batch=5, prefix_cache=False)
        asked = [ask(prompts(), 24, name=name, ignore_eos=True) for name in "abcd"]
        plain = driven.run(asked[0])
        said = driven.set(compile=True).effective
        assert (said["attention_prefill"], said["attention_decode"]) == ("sdpa-flash", "–")
        own = driven.run(asked[1])
        assert driven.backend._announced["attention_decode"] == FUSED
        assert "as they are stored" in driven.of(OptionsApplied)[-1].reasons["attention"]
        if dtype == "float32":
            driven.set(speculation="lookup:3")
            assert own == driven.run(asked[2]) == plain
            assert counts(driven.steps)[0] > 0, "drafts were tried"
            assert driven.backend._announced["attention_decode"] == FUSED
        driven.set(compile=False, speculation="off")
        assert driven.run(asked[3]) == plain and driven.backend._announced["attention_decode"] == "sdpa-flash"
        assert "attention" not in driven.of(OptionsApplied)[-1].reasons
        torch._dynamo.reset()


def test_switched_in_flight_it_comes_and_goes(member: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    driven = Driven(member("llama-64").folder, compile=True, max_batch=5)
    ran: list[tuple[int, str]] = []
    attend = codes_attention.attend_codes

    def counted(keys: Any, *rest: Any) -> Tensor:
        ran.append((driven.backend.step_index, keys.kind))
        return attend(keys, *rest)

    monkeypatch.setattr("playground.engine.backends.transformers.kv_quantized.attend_codes", counted)
    driven.submit(ask(prompts(), 60, ignore_eos=True))
    shown = []
    for changes in (
        {},
        {"kv_cache": "int4"},
        {"attention": "sdpa-math"},
        {"attention": "auto"},
        {"kv_cache": "int8"},
        {"kv_cache": "model"},
        {"kv_cache": "fp8", "speculation": "lookup:3"},
        {"compile": False},
    ):
        driven.set(**changes)
        before = len(ran)
        for _ in range(4):
            driven.backend.step()
        shown.append((driven.backend._announced["attention_decode"], {kind for _, kind in ran[before:]}))
    assert shown == [
        ("sdpa-flash", set()),
        (FUSED, {"int4"}),
        ("sdpa-math", set()),
        (FUSED, {"int4"}),
        (FUSED, {"int8"}),
        ("sdpa-flash", set()),
        (FUSED, {"fp8"}),
        ("sdpa-flash", set()),
    ]
    driven.finish()


def test_a_prompt_of_one_token_is_no_decode(member: Member) -> None:
    driven = Driven(member("llama-64").folder, kv_cache="int8", compile=True)
    for prompt in ([5], [6]):  # of the second, blocks are there before it
        driven.run(ask([prompt], 8, name=f"{prompt}", ignore_eos=True))
        shown = driven.backend._announced
        assert (shown["attention_prefill"], shown["attention_decode"]) == ("sdpa-flash", FUSED)


def test_it_copies_nothing(member: Member) -> None:
    driven = Driven(member("llama-64").folder, kv_cache="int4", compile=True)
    live = driven.backend._engine
    driven.submit(ask(prompts()[:3], 20, ignore_eos=True))
    driven.backend.step()
    live.core.runner.cache.store.transient_bytes = 0
    driven.finish()
    assert live.memory().kv_transient == 0
    driven.set(compile=False)
    driven.run(ask(prompts()[:3], 20, name="again", ignore_eos=True))
    assert live.memory().kv_transient > 0


def test_small_heads_are_unpacked_as_before(member: Member) -> None:
    driven = Driven(member("llama").folder, kv_cache="int4")
    plain = driven.run(ask(prompts(), 24, ignore_eos=True))
    driven.set(compile=True)
    assert driven.run(ask(prompts(), 24, name="again", ignore_eos=True)) == plain
    assert driven.backend._announced["attention_decode"] == "sdpa-flash"
