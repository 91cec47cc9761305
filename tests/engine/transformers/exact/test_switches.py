"""Switches on running requests: those that change no number change no token; others are reported and can be undone."""

from __future__ import annotations

import pytest
from torch import nn

from playground.engine.backends.base import Cancelled, EngineError
from playground.engine.backends.transformers.kv import budget as kv_budget
from playground.protocol.commands import Abort, GenerationRequest, SetOptions
from playground.protocol.dtypes import CODE_BITS
from playground.protocol.events import OptionsApplied
from playground.protocol.options import Value
from tests.engine.transformers.conftest import Member
from tests.engine.transformers.drafting import counts, partly_right
from tests.engine.transformers.driven import Driven, ask
from tests.engine.transformers.reference import MOST, Reference

EXACT: dict[int, dict[str, Value]] = {
    2: {"attention": "eager"},
    4: {"batching": "static"},
    6: {"token_budget": 5, "kv_blocks": "12"},
    8: {"attention": "sdpa-math", "batching": "continuous"},
    9: {"max_batch": 2, "speculation": "lookup:5"},
    11: {"attention": "sdpa-flash", "block_size": 16},
    13: {"prefix_cache": False, "max_batch": 5},
    15: {"kv_blocks": "40", "token_budget": 512},
    17: {"block_size": 64, "prefix_cache": True, "speculation": "off"},
    19: {"attention": "auto"},
}


COSTS: list[tuple[dict[str, Value], str]] = [
    ({"attention": "eager"}, "instant"),
    ({"kv_cache": "int4"}, "cache"),
    ({"attention": "sdpa-math"}, "instant"),
    ({"kv_blocks": "20"}, "cache"),
    ({"prefix_cache": False, "token_budget": 48}, "instant"),
    ({"kv_cache": "fp8", "attention": "auto"}, "cache"),
    ({"batching": "static"}, "instant"),
]


def test_a_switch_acts_in_the_very_next_step_and_says_what_it_cost(member: Member) -> None:
    reference = member("llama-64")
    driven = Driven(reference.folder)
    driven.submit(ask(reference.prompts[2:4], 60, ignore_eos=True))
    steps(driven, 3)
    for changes, cost in COSTS:
        before = driven.steps[-1]
        applied = driven.set(**changes)
        assert applied.cost == cost and applied.seconds > 0 and applied.step == driven.backend.step_index
        assert applied.before.kv_used == before.kv_bytes
        driven.backend.step()
        step = driven.steps[-1]
        assert [slot.tokens for slot in step.slots if slot.request_id] == [1, 1] and step.index == before.index + 1
        told = driven.of(OptionsApplied)[-1].effective
        if "kv_cache" in changes:
            assert told["kv_cache"].startswith(str(changes["kv_cache"])) and step.kv_bytes != before.kv_bytes
        if changes.get("attention", "auto") != "auto":
            assert told["attention_decode"] == changes["attention"]
    driven.finish()
    assert not any(step.preempted for step in driven.steps)


@pytest.mark.parametrize("name", ["llama", "mistral-sliding", "gpt-neox", "falcon-alibi", "deepseek-v3"])
def test_exact_switches_in_flight_keep_every_token(member: Member, name: str) -> None:
    reference = member(name)
    driven = Driven(reference.folder, token_budget=24)
    with partly_right(reference.prompts, reference.outputs):
        assert driven.run(ask(reference.prompts, MOST, ignore_eos=True), EXACT) == reference.outputs
    assert counts(driven.steps)[1] > 0
    assert driven.run(ask(reference.prompts, MOST, name="after")) == reference.ended


@pytest.mark.parametrize("kind", CODE_BITS)
def test_kv_cache_there_and_back(member: Member, kind: str) -> None:
    reference = member("llama")
    driven = Driven(reference.folder)
    driven.submit(requests := ask(reference.prompts, 24, ignore_eos=True))
    steps(driven, 4)
    there = driven.set(kv_cache=kind)
    assert there.effective["kv_cache"] == kind
    assert there.after.kv_used < there.before.kv_used
    steps(driven, 4)
    back = driven.set(kv_cache="model")
    assert back.effective["kv_cache"] == f"model (from {kind})"
    assert "does not come back" in back.reasons["kv_cache"]
    assert "exact" not in back.reasons["kv_cache"], "under weights=int8 nothing is"
    driven.finish()
    assert all(len(driven.output(request.request_id)) == 24 for request in requests)
    assert driven.backend.step_index == len(driven.steps)
    assert driven.run(exactly(reference, "new")) == reference.outputs
    assert driven.set(max_batch=4).effective["kv_cache"] == "model"


def test_a_wider_dtype_has_fewer_blocks_in_the_same_bytes_and_preempts(
    member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape = Driven(member("llama").folder).backend._engine.kv_shape
    budget = 7 * shape.block_bytes("model", 32)
    monkeypatch.setattr(kv_budget, "KV_CPU_BYTES", budget)
    driven = Driven(member("llama").folder, device="cpu", kv_cache="int2", kv_blocks="auto", max_batch=4)
    driven.submit(ask([[3 + index, 4, 5, 6] * 10 for index in range(4)], 20, ignore_eos=True))
    steps(driven, 3)
    many = driven.backend._engine.core.runner.blocks
    assert many.used == 8 and many.count == 3 * shape.block_bytes("model", 32) // shape.block_bytes("int2", 32) > 2 * 7
    applied = driven.set(kv_cache="model")
    assert applied.effective["kv_blocks"] == "7" and applied.effective["kv_cache"] == "model (from int2)"
    assert applied.before.kv_reserved <= budget == applied.after.kv_reserved >= applied.after.kv_used
    core = driven.backend._engine.core
    assert len(core.running) == 3 and len(core.waiting) == 1
    driven.finish()
    ended = [driven.finished(f"r{index}") for index in range(4)]
    assert [each.reason for each in ended] == ["length"] * 4
    assert [each.metrics.output_tokens for each in ended] == [20] * 4
    assert any(each.metrics.preemptions for each in ended)


@pytest.mark.parametrize("kind", CODE_BITS)
def test_a_quantized_start_and_an_early_switch_agree(member: Member, kind: str) -> None:
    """Converting a full block or an open one in flight stores what would have been stored from the start: up to the
    end of the first block nothing has seen a stored view yet."""
    reference = member("llama")
    quantized = Driven(reference.folder, kv_cache=kind)
    short = [prompt[:32] for prompt in reference.prompts]
    expected = quantized.run(ask(short, MOST, ignore_eos=True))
    driven = Driven(reference.folder)
    assert driven.run(ask(short, MOST, ignore_eos=True), {1: {"kv_cache": kind}}) == expected


def test_weights_int8_and_back_are_exact_for_new_requests(member: Member) -> None:
    pytest.importorskip("bitsandbytes")
    reference = member("llama")
    driven = Driven(reference.folder)
    switches: dict[int, dict[str, Value]] = {3: {"weights": "int8"}, 7: {"weights": "model"}}
    driven.run(exactly(reference, "mixed"), switches)
    assert driven.run(exactly(reference, "new")) == reference.outputs
    assert driven.finished("new3").metrics.cached_tokens == 0, "blocks written under int8 are never served"


def test_only_weights_as_stored_have_a_prediction(member: Member) -> None:
    pytest.importorskip("bitsandbytes")
    driven = Driven(member("llama").folder, dtype="auto")
    stored = driven.backend._live.loaded.checkpoint.weight_bytes
    predicted = [driven.set(weights=kind).after.weights_predicted for kind in ("int8", "nf4", "model")]
    assert predicted == [None, None, stored]


def test_a_conversion_tells_how_far_it_is_and_keeps_what_runs(member: Member) -> None:
    pytest.importorskip("bitsandbytes")
    driven, told = Driven(member("llama").folder), []
    driven.submit(exactly(member("llama"), "r"))
    steps(driven, 4)
    core, layers = driven.backend._engine.core, driven.backend._engine.kv_shape.layers
    computed = {request.request_id: request.computed for request in core.running}
    assert len(computed) > 1

    def progress(stage: str, done: int = 0, total: int = 0, detail: str = "") -> None:
        told.append((stage, done, total))

    for changes in ({"kv_cache": "int8"}, {"weights": "nf4"}):
        told.clear()
        driven.backend.set_options(SetOptions(changes=changes), progress)
        assert {stage for stage, *_ in told} == {"converting"} and told[-1][1] == told[-1][2] >= layers
        assert [done for _, done, _ in told] == sorted({done for _, done, _ in told})
        assert {request.request_id: request.computed for request in core.running} == computed
    driven.finish()
    assert not any(step.preempted for step in driven.steps)


def exactly(reference: Reference, name: str) -> list[GenerationRequest]:
    """The reference's requests, past EOS."""
    return ask(reference.prompts, MOST, name=name, ignore_eos=True)


def steps(driven: Driven, count: int) -> None:
    """Some steps of a running engine."""
    for _ in range(count):
        driven.backend.step()


def test_rebuild_makes_model_from_int2_true(member: Member) -> None:
    reference = member("llama")
    driven = Driven(reference.folder)
    driven.submit(exactly(reference, "r"))
    steps(driven, 3)
    driven.set(kv_cache="int2")
    spoiled = driven.set(kv_cache="model")
    assert spoiled.effective["kv_cache"] == "model (from int2)" and "rebuild mends" in spoiled.reasons["kv_cache"]
    went = {f"r{index}": driven.output(f"r{index}") for index in range(len(MOST))}
    assert all(went[f"r{index}"] == output[: len(went[f"r{index}"])] for index, output in enumerate(reference.outputs))
    rebuilt = driven.rebuild()
    assert rebuilt.effective["kv_cache"] == "model" and "kv_cache" not in rebuilt.reasons
    driven.finish()
    assert [driven.output(f"r{index}") for index in range(len(MOST))] == reference.outputs


def test_a_mark_goes_with_the_requests_that_have_it(member: Member) -> None:
    driven = Driven(member("llama").folder)
    driven.submit(exactly(member("llama"), "r"))
    steps(driven, 3)
    driven.set(kv_cache="int2")
    assert driven.set(kv_cache="model").effective["kv_cache"] == "model (from int2)"
    driven.backend.abort(Abort())
    assert driven.of(OptionsApplied)[-1].effective["kv_cache"] == "model"


def test_a_fault_after_a_coarser_cache_leaves_no_trace_of_it(member: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    reference = member("llama")
    driven = Driven(reference.folder)
    driven.submit(exactly(reference, "r"))
    steps(driven, 3)

    def fail(*told: object) -> None:
        raise EngineError("no compiler")

    monkeypatch.setattr(driven.backend._engine.compile, "set", fail)
    with pytest.raises(EngineError, match="no compiler"):
        driven.set(kv_cache="int2", kv_blocks="40", compile=True)
    assert driven.backend._engine.effective()["kv_cache"] == "model"
    assert driven.backend._engine.effective()["kv_blocks"] == "64"
    driven.finish()
    assert [driven.output(f"r{index}") for index in range(len(MOST))] == reference.outputs


def test_blocks_that_fit_in_the_asked_dtype_alone_are_had(member: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kv_budget, "available", lambda device: 3 * 2**20)
    folder, many, few = member("llama").folder, {"kv_cache": "int2", "kv_blocks": "300"}, {"kv_blocks": "8"}
    with pytest.raises(EngineError, match="300 KV blocks need"):
        Driven(folder, kv_blocks="300")
    driven = Driven(folder, **many)
    assert driven.set(kv_cache="model", **few).effective["kv_blocks"] == "8"
    assert driven.set(**many).effective["kv_blocks"] == "300"
    assert driven.set(kv_cache="model", **few).effective["kv_cache"] == "model"


def test_a_cancelled_conversion_lets_go_of_every_layer_that_it_had_put_in(
    member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("bitsandbytes")
    driven = Driven(member("llama").folder)
    weights, inside = driven.backend._engine.weights, list[nn.Module]()
    enter, leave = weights._enter, weights._leave

    def put_in(path: str, module: nn.Module) -> None:
        inside.append(module)
        enter(path, module)

    def take_out(path: str, module: nn.Module) -> None:
        if module in inside:
            inside.remove(module)
        leave(path, module)

    monkeypatch.setattr(weights, "_enter", put_in)
    monkeypatch.setattr(weights, "_leave", take_out)

    def cancel(stage: str, done: int = 0, total: int = 0, detail: str = "") -> None:
        if done == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        driven.backend.set_options(SetOptions(changes={"weights": "nf4"}), cancel)
    assert len(inside) == 3 and all(type(module) is nn.Linear for module in inside)
