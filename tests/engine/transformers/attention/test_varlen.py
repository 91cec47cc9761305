"""Ragged batches without a mask: packed, tested before use, and with the same tokens in a running engine. Everything
but the kernel, which only a GPU has, is the engine's and PyTorch's own code: see `varlen_kernel`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention import SDPBackend

from playground.engine.backends.transformers.attention import attention, varlen_trial
from playground.engine.backends.transformers.attention.grouped_sdpa import grouped_sdpa
from playground.engine.backends.transformers.attention.varlen import Ragged, find_kernel, packing
from playground.engine.backends.transformers.attention.varlen_trial import plain, working_kernel
from tests.engine.transformers.attention.varlen_kernel import Attend, bottom_right, on_a_cpu
from tests.engine.transformers.conftest import Member
from tests.engine.transformers.drafting import counts, partly_right
from tests.engine.transformers.driven import Driven, ask
from tests.engine.transformers.reference import MOST

CPU = torch.device("cpu")
SEVERAL = {"max_batch": 5, "token_budget": 300}


@pytest.fixture(autouse=True)
def as_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mask takes another kernel, and float32 is taken, whose tokens can be compared one by one."""
    monkeypatch.setattr(attention, "MASKS_MATTER", ("cuda", "cpu"))
    monkeypatch.setattr(varlen_trial, "DTYPES", (torch.float16, torch.bfloat16, torch.float32))


@pytest.fixture
def calls() -> Iterator[list[int]]:
    """The rows of every call of the kernel."""
    with on_a_cpu() as calls:
        yield calls


@pytest.mark.parametrize("counts", [[1, 1, 1], [3, 1, 5], [4, 4]])
def test_what_is_packed_is_what_a_mask_shows(calls: list[int], counts: list[int]) -> None:
    lengths, heads, dim = [count + extra for count, extra in zip(counts, (2, 7, 0), strict=False)], 4, 8
    queries, columns = max(counts), max(lengths)
    query, key = torch.randn(len(counts), heads, queries, dim), torch.randn(len(counts), 2, columns, dim)
    value = torch.randn(len(counts), 2, columns, dim)
    seen = Ragged(packing(counts, CPU), packing(lengths, CPU), find_kernel())
    packed, _ = grouped_sdpa(torch.nn.Module(), query, key, value, seen, scaling=0.3)
    at = torch.arange(columns)
    pads = columns - torch.tensor(lengths)[:, None, None, None]
    own = at[columns - queries :, None]
    masked, _ = grouped_sdpa(
        torch.nn.Module(), query, key, value, ((at >= pads) & (at <= own)) | (own < pads), scaling=0.3
    )
    real = torch.arange(queries) >= queries - torch.tensor(counts)[:, None]
    torch.testing.assert_close(packed[real], masked[real])
    assert not packed[~real].any() and packed.shape == masked.shape and calls == [len(counts)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_the_trial_holds_16_bits_for_right(member: Member, calls: list[int], dtype: torch.dtype) -> None:
    driven = Driven(member("llama-64").folder, dtype=str(dtype).removeprefix("torch."))
    kernel, reason = working_kernel(driven.backend._engine.core.runner.plain_decoder, CPU, dtype)
    assert kernel and not reason and calls == [2] * 2 * 3, "two layers, three forwards"


def top_left(query: Tensor, key: Tensor, value: Tensor, scale: float | None) -> Tensor:
    return F.scaled_dot_product_attention(query, key, value, is_causal=True, scale=scale, enable_gqa=True)


def sees_all(query: Tensor, key: Tensor, value: Tensor, scale: float | None) -> Tensor:
    return F.scaled_dot_product_attention(query, key, value, scale=scale, enable_gqa=True)


def other_heads(query: Tensor, key: Tensor, value: Tensor, scale: float | None) -> Tensor:
    return bottom_right(query, key.flip(0), value.flip(0), scale)


def no_numbers(query: Tensor, key: Tensor, value: Tensor, scale: float | None) -> Tensor:
    return bottom_right(query, key, value, scale) * torch.nan


def no_kernel(query: Tensor, key: Tensor, value: Tensor, scale: float | None) -> Tensor:
    raise RuntimeError("\nFlashAttention only supports Ampere GPUs or newer.\nmore")


WRONG = {
    top_left: "off plain attention",
    sees_all: "off plain attention",
    other_heads: "off plain attention",
    no_numbers: "nan off plain attention",
    no_kernel: "FlashAttention only supports Ampere GPUs or newer.",
}


@pytest.mark.parametrize(("attend", "reason"), WRONG.items(), ids=lambda each: getattr(each, "__name__", ""))
def test_a_kernel_that_is_wrong_or_missing_leaves_masks_and_says_why(
    member: Member, monkeypatch: pytest.MonkeyPatch, attend: Attend, reason: str
) -> None:
    # Under masks a GPU runs another kernel than flash: here that one is math.
    monkeypatch.setitem(attention.SDPA_BACKENDS, "sdpa-flash", [SDPBackend.MATH])
    reference = member("llama")
    with on_a_cpu(attend) as calls:
        driven = Driven(reference.folder, **SEVERAL)
        driven.set(attention="sdpa-flash")
        assert driven.run(ask(reference.prompts, MOST, ignore_eos=True)) == reference.outputs
        tried = len(calls)
        driven.set(attention="eager")
        said = driven.set(attention="sdpa-flash")
        assert len(calls) == tried, "tried once"
    assert said.effective["attention"] == "sdpa-math"
    assert said.reasons["attention"].startswith("PyTorch's flash kernel takes no mask here, and without one: ")
    assert said.reasons["attention"].endswith(reason)


def test_without_the_kernel_nothing_fails(member: Member) -> None:
    """As on any machine whose PyTorch was built without it: this one."""
    reference = member("llama")
    driven = Driven(reference.folder, attention="sdpa-flash", **SEVERAL)
    assert "_flash_attention_forward" in (driven.backend._engine.attention._why_masks or "")
    assert driven.run(ask(reference.prompts, MOST, ignore_eos=True)) == reference.outputs


@pytest.mark.parametrize("groups", [True, False])
def test_both_signatures_of_pytorch_are_called_as_they_want(monkeypatch: pytest.MonkeyPatch, groups: bool) -> None:
    """torch 2.13 needs `enable_gqa` for fewer heads of keys; 2.11 does not know it."""
    told: list[dict[str, object]] = []

    def of_2_13(query, key, value, cu_q, cu_k, max_q, max_k, *, scale=None, window_size=(-1, -1), enable_gqa=False):
        told.append({"window_size": window_size, "enable_gqa": enable_gqa})
        return plain(query, key, value, cu_q.tolist(), cu_k.tolist(), scale)

    def of_2_11(query, key, value, cu_q, cu_k, max_q, max_k, *, return_aux=None, scale=None, window_size=(-1, -1)):
        told.append({"window_size": window_size})
        return plain(query, key, value, cu_q.tolist(), cu_k.tolist(), scale)

    monkeypatch.setattr("torch.nn.attention.varlen.varlen_attn", of_2_13 if groups else of_2_11)
    states = torch.randn(2, 2, 3, 8)
    for queries in (1, 2):
        seen = Ragged(packing([queries] * 2, CPU), packing([3, 2], CPU), find_kernel())
        assert seen.attend(torch.randn(2, 4, queries, 8), states, states, None).shape == (2, queries, 4, 8)
    heads = {"enable_gqa": True} if groups else {}
    assert told == [{"window_size": (-1, -1)} | heads, {"window_size": (-1, 0)} | heads]


@pytest.mark.parametrize("name", ["llama", "llama-64", "qwen3-moe", "deepseek-v3"])
def test_a_ragged_batch_has_the_tokens_of_generate(member: Member, calls: list[int], name: str) -> None:
    reference = member(name)
    driven = Driven(reference.folder, attention="sdpa-flash", **SEVERAL)
    tried = len(calls)
    assert driven.run(ask(reference.prompts, MOST, ignore_eos=True)) == reference.outputs
    assert max(calls[tried:]) == len(MOST) and len(calls) > tried + max(MOST)
    said = driven.set()
    for phase in ("prefill", "decode"):
        assert "flash-varlen" in said.effective[f"attention_{phase}"].split(" + ")
    # Even rows of DeepSeek have no flash kernel on a CPU, since its keys are longer than its values.
    assert bool(said.reasons.get("attention")) == (name == "deepseek-v3") == ("sdpa-math" in str(said.effective))


@pytest.mark.parametrize("kind", ["model", "int8"])
def test_switched_in_flight_with_drafts_and_chunks(member: Member, calls: list[int], kind: str) -> None:
    reference = member("llama")
    driven = Driven(reference.folder, kv_cache=kind, block_size=16, max_batch=4, token_budget=24)
    plain = driven.run(ask(reference.prompts, MOST, name="plain", ignore_eos=True))
    assert kind != "model" or plain == reference.outputs
    assert not calls, "auto keeps its masks"
    driven.set(speculation="lookup:4")
    values = ("sdpa-flash", "eager", "sdpa-flash", "sdpa-math", "sdpa-flash", "auto")
    with partly_right(reference.prompts, plain):
        switches = {2 + 3 * at: {"attention": value} for at, value in enumerate(values)}
        assert driven.run(ask(reference.prompts, MOST, ignore_eos=True), at=switches) == plain
    assert calls and counts(driven.steps)[1] > 0


def test_the_compiled_step_attends_so_as_well(
    member: Member, calls: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    from torch._inductor import compile_fx

    # Tracing shows where attention is called from; compiling would take seconds.
    monkeypatch.setattr(compile_fx, "compile_fx", lambda graph, inputs, **options: graph.forward)
    reference = member("llama")
    driven = Driven(reference.folder, attention="sdpa-flash", compile=True, **SEVERAL)
    tried = len(calls)
    assert driven.run(ask(reference.prompts, MOST, ignore_eos=True)) == reference.outputs
    assert len(calls) > tried + max(MOST) and driven.set().effective["compile"] == "on"
    torch._dynamo.reset()
