"""Under compile=on decode attends over a quantized cache as it is stored: it reports so, answers the same, copies
nothing, and follows the switches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from playground.engine.backends.transformers.compile.compiler import why_not_compiled
from playground.engine.backends.transformers.kv import codes_attention, copies
from playground.engine.backends.transformers.kv.codes_attention import FUSED, KINDS
from playground.protocol.events import OptionsApplied
from tests.engine.transformers.conftest import Member
from tests.engine.transformers.drafting import counts
from tests.engine.transformers.driven import Driven, ask
from tests.engine.transformers.reference import DEVICE, prompts
from tests.engine.transformers.weights.test_packed_linear import in_bfloat16
from tests.engine.transformers.zoo import zoo

pytestmark = pytest.mark.skipif(
    DEVICE != "cpu" or bool(why_not_compiled(torch.device("cpu"))), reason="of a CPU, and needs a compiler"
)


@pytest.fixture(autouse=True)
def traced(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Graphs are traced but not compiled: compilation is tested elsewhere, and takes seconds."""
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
        assert driven.backend._announcer.effective["attention_decode"] == FUSED
        assert "as they are stored" in driven.of(OptionsApplied)[-1].reasons["attention"]
        if dtype == "float32":
            driven.set(speculation="lookup:3")
            assert own == driven.run(asked[2]) == plain
            assert counts(driven.steps)[0] > 0, "drafts were tried"
            assert driven.backend._announcer.effective["attention_decode"] == FUSED
        driven.set(compile=False, speculation="off")
        assert driven.run(asked[3]) == plain and driven.backend._announcer.effective["attention_decode"] == "sdpa-flash"
        assert "attention" not in driven.of(OptionsApplied)[-1].reasons
        torch._dynamo.reset()


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kinds of codes attended over, call by call."""
    kinds: list[str] = []
    attend = codes_attention.attend_codes

    def counted(keys: Any, *rest: Any) -> Tensor:
        kinds.append(keys.kind)
        return attend(keys, *rest)

    monkeypatch.setattr("playground.engine.backends.transformers.kv.quantized.attend_codes", counted)
    return kinds


def test_switched_in_flight_it_comes_and_goes(member: Member, ran: list[str]) -> None:
    driven = Driven(member("llama-64").folder, compile=True, max_batch=5)
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
        shown.append((driven.backend._announcer.effective["attention_decode"], set(ran[before:])))
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


def test_heads_that_only_some_codes_fit_show_what_runs(
    ran: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(zoo.ZOO, "llama-16", ("LlamaConfig", {"head_dim": 16}))
    driven = Driven(zoo.make("llama-16", tmp_path), compile=True, max_batch=5)
    driven.submit(ask(prompts(), 60, ignore_eos=True))
    for kind, kernel in (("int8", FUSED), ("int4", "sdpa-flash"), ("int2", "sdpa-flash"), ("fp8", FUSED)):
        driven.set(kv_cache=kind)
        ran.clear()
        for _ in range(4):
            driven.backend.step()
        assert driven.backend._announcer.effective["attention_decode"] == kernel
        assert set(ran) == ({kind} if kernel == FUSED else set())
        reason = driven.of(OptionsApplied)[-1].reasons["attention"]
        expected = "decode reads the KV cache's codes as they are stored" if kernel == FUSED else "decode unpacks"
        assert expected in reason, "a head of 16 numbers is 16 bytes of int8, and less of int4"
    driven.finish()


def test_what_codes_do_not_touch_stays_known_and_is_not_tried_anew(
    member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    driven = Driven(member("llama-64").folder, kv_cache="int8")
    driven.set(attention="sdpa-math")
    probes: list[object] = []
    monkeypatch.setattr(driven.backend._engine, "probe", lambda: probes.append(None))
    for changes in ({"compile": True}, {"max_batch": 7}):
        assert driven.set(**changes).effective["attention_decode"] == "sdpa-math"
    assert not probes
    driven.set(attention="auto")
    assert len(probes) == 1, "prefill is not known then"
    driven.backend._engine.attention.effective["prefill"] = "sdpa-flash"
    driven.set(max_batch=6)
    assert len(probes) == 1, "decode will be known once a request runs"


def test_rows_that_copy_nothing_share_a_forward(member: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "MOST_BYTES", 1)
    driven = Driven(member("llama-64").folder, kv_cache="int8", max_batch=5)
    forwards: list[int] = []
    runner = driven.backend._engine.core.runner
    forward = runner.forward
    monkeypatch.setattr(runner, "forward", lambda rows, *rest: forwards.append(len(rows)) or forward(rows, *rest))
    for compiled, rows in ((False, {1}), (True, {5})):
        driven.set(compile=compiled)
        driven.submit(ask(prompts()[:5], 12, name=f"{compiled}", ignore_eos=True))
        driven.backend.step()
        forwards.clear()
        for _ in range(4):
            driven.backend.step()
        assert set(forwards) == rows
        driven.finish()


def test_a_prompt_of_one_token_is_no_decode(member: Member) -> None:
    driven = Driven(member("llama-64").folder, kv_cache="int8", compile=True)
    for prompt in ([5], [6]):  # of the second, blocks are there before it
        driven.run(ask([prompt], 8, name=f"{prompt}", ignore_eos=True))
        shown = driven.backend._announcer.effective
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


def test_a_model_whose_layers_read_the_cache_says_so(member: Member) -> None:
    driven = Driven(member("qwen3").folder, kv_cache="int8", compile=True)
    driven.run(ask(prompts(), 8, ignore_eos=True))
    assert driven.backend._announcer.effective["attention_decode"] == "sdpa-flash"
    assert driven.of(OptionsApplied)[-1].reasons["attention"].endswith("layers read their cache themselves")


def test_small_heads_are_unpacked_as_before(member: Member) -> None:
    driven = Driven(member("llama").folder, kv_cache="int4")
    plain = driven.run(ask(prompts(), 24, ignore_eos=True))
    driven.set(compile=True)
    assert driven.run(ask(prompts(), 24, name="again", ignore_eos=True)) == plain
    assert driven.backend._announcer.effective["attention_decode"] == "sdpa-flash"
    assert (
        driven.of(OptionsApplied)[-1]
        .reasons["attention"]
        .endswith("a head of 8 numbers does not fill whole vectors with int4 codes")
    )
