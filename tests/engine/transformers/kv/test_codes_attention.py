"""Compiled attention over codes equals exact attention over the stored view, row by row."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import DynamicCache

from playground.engine.backends.transformers.compile.compiler import why_not_compiled
from playground.engine.backends.transformers.kv import codes_attention
from playground.engine.backends.transformers.kv.codes_attention import KINDS, Rows, attend_codes, why_unpacked
from playground.engine.backends.transformers.kv.quantization import CHANNELS, TOKENS
from playground.engine.backends.transformers.kv.shape import kv_shape
from playground.engine.backends.transformers.kv.states import QuantizedStates, blocks_at
from playground.engine.backends.transformers.native import library
from tests.engine.transformers.reference import DEVICE

pytestmark = pytest.mark.skipif(
    DEVICE != "cpu" or bool(why_not_compiled(torch.device("cpu"))), reason="of a CPU, and needs a compiler"
)
BLOCKS = 60
SHAPES = [(1, 1, 64, 16), (2, 2, 64, 32), (2, 3, 128, 64), (4, 1, 192, 32)]  # heads, queries of each, dim, block size
LENGTHS = (1, 15, 16, 65, 530, 1100)
PERFECT = {torch.float32: 2e-6, torch.bfloat16: 2**-8}


@pytest.mark.parametrize("dtype", PERFECT, ids=str)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("newest", [1, 4])
def test_it_is_exact_attention_over_the_stored_view(
    shape: tuple[int, int, int, int], kind: str, dtype: torch.dtype, newest: int
) -> None:
    heads, groups, dim, size = shape
    layer, lengths = randoms(heads, dim, size, kind, dtype), [length for length in LENGTHS if length <= BLOCKS * size]
    queries = torch.randn(len(lengths), heads * groups, newest, dim).to(dtype)
    rows, sealed = laid_out(lengths, size)
    answers = attend_codes(*layer, rows, queries, 0.2)
    assert answers.dtype == dtype and answers.shape == (len(lengths), newest, heads * groups, dim)
    for at, length in enumerate(lengths):
        keys, values = (seen(states, sealed[at], at, length) for states in layer)
        own = range(max(0, newest - ((length - 1) % size + 1)), newest)  # what comes before is padding
        hidden = torch.tensor([[token > length - newest + query for token in range(length)] for query in own])
        mask = torch.zeros(hidden.shape, dtype=torch.float64).masked_fill_(hidden, -torch.inf)
        asked = queries[at, :, own.start :].double()
        wanted = F.scaled_dot_product_attention(asked, keys, values, attn_mask=mask, scale=0.2, enable_gqa=True)
        answer, largest = answers[at, own.start :].transpose(0, 1).double(), values.abs().max()
        assert (answer - wanted).abs().max() <= largest * PERFECT[dtype], length
        assert answers[at].isfinite().all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_is_the_same_whatever_other_rows_and_threads_there_are(kind: str) -> None:
    before, layer = torch.get_num_threads(), randoms(2, 64, 16, kind, torch.float32)
    queries, lengths = torch.randn(len(LENGTHS), 4, 1, 64), [min(length, BLOCKS * 16) for length in LENGTHS]
    whole = attend_codes(*layer, laid_out(lengths, 16)[0], queries, 1.0)
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        for at, length in enumerate(lengths):
            alone = attend_codes(*layer, laid_out([length], 16, at)[0], queries[at : at + 1], 1.0)
            assert torch.equal(alone[0], whole[at])
    torch.set_num_threads(before)


@pytest.mark.parametrize("dtype", PERFECT, ids=str)
def test_what_is_no_number_stays_none(dtype: torch.dtype) -> None:
    layer = randoms(1, 64, 16, "int4", dtype)
    queries = torch.randn(2, 1, 1, 64).to(dtype)
    queries[1, 0, 0, 5] = torch.nan
    answers = attend_codes(*layer, laid_out([40, 40], 16)[0], queries, 1.0)
    assert answers[0].isfinite().all() and answers[1].isnan().all()
    layer[1].tails[1:, 0, 3] = torch.inf
    assert not attend_codes(*layer, laid_out([40], 16)[0], queries[:1], 1.0)[0, 0, 0, 3].isfinite()


def test_scores_of_any_size_are_weighed() -> None:
    """Far apart, all but the largest one vanishes; even, all count."""
    layer = randoms(1, 64, 16, "int8", torch.float32)
    keys, values = (seen(states, list(range(2)), 0, 40)[0] for states in layer)
    query = torch.randn(1, 1, 1, 64)
    best = (keys @ query[0, 0, 0].double()).argmax()
    far = attend_codes(*layer, laid_out([40], 16)[0], query * 1e4, 1.0)
    assert far.flatten().double() == pytest.approx(values[best], abs=1e-6)
    even = attend_codes(*layer, laid_out([40], 16)[0], query, 0.0)
    assert even.flatten().double() == pytest.approx(values.mean(0), abs=1e-6)


def test_what_it_does_not_know_is_left_to_pytorch() -> None:
    def why(kind: str, dim: int, dtype: torch.dtype = torch.float32, values: int = 0, device: str = "cpu") -> str:
        cache = DynamicCache()
        cache.update(torch.zeros(1, 2, 1, dim, dtype=dtype), torch.zeros(1, 2, 1, values or dim, dtype=dtype), 0)
        return why_unpacked(kind, kv_shape(cache), torch.device(device))

    assert why("int8", 16) == why("int4", 32) == why("int2", 64) == why("fp8", 48) == ""
    assert why("int4", 48) == "a head of 48 numbers does not fill whole vectors with int4 codes"
    assert why("int8", 24) and why("int2", 96) and why("int8", 64, values=32)
    assert why("int8", 64, torch.float16) == "no kernel reads codes beside float16"
    assert why("int8", 64, device="cuda") == "only a CPU reads codes as they are stored"


def test_queries_of_another_dtype_are_refused() -> None:
    layer = randoms(1, 64, 16, "int8", torch.bfloat16)
    with pytest.raises(TypeError, match=r"queries must be torch\.bfloat16 as the tails are, not torch\.float32"):
        attend_codes(*layer, laid_out([40], 16)[0], torch.ones(1, 1, 1, 64), 1.0)


def test_scores_that_are_all_infinite_give_numbers() -> None:
    layer = randoms(1, 64, 16, "int8", torch.float32)
    codes, steps, lows = layer[0].parts
    for part, number in ((codes, 200), (steps, 1), (lows, 0), (layer[0].tails, 1)):
        part.fill_(number)
    assert attend_codes(*layer, laid_out([600], 16)[0], torch.full((1, 1, 1, 64), -3e37), 1.0).isfinite().all()


def test_a_compiler_that_does_not_know_vectors_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "codes_attention.cpp").write_text("this is no C++")
    monkeypatch.setattr(library, "FOLDER", tmp_path)
    monkeypatch.setattr(codes_attention, "compiled_attention", codes_attention.compiled_attention.__wrapped__)
    assert "C++ compile error" in codes_attention.why_missing()


def states(heads: int, dim: int, size: int, kind: str, dtype: torch.dtype, axis: int) -> QuantizedStates:
    """States with a tail for each of `LENGTHS`."""
    tails = 1 + len(LENGTHS) * size
    return QuantizedStates(torch.zeros(1, 1, heads, dim, dtype=dtype), BLOCKS, size, tails, kind, axis)


def randoms(heads: int, dim: int, size: int, kind: str, dtype: torch.dtype) -> tuple[QuantizedStates, QuantizedStates]:
    """Keys and values of a layer, every block and tail filled, channels of different sizes."""
    torch.manual_seed(0)
    layer = states(heads, dim, size, kind, dtype, TOKENS), states(heads, dim, size, kind, dtype, CHANNELS)
    for own in layer:
        scale = torch.rand(dim) * 2
        own.put(range(BLOCKS), (torch.randn(BLOCKS, size, heads, dim) * scale + scale).to(dtype))
        own.tails.copy_(torch.randn(own.tails.shape) * scale)
    return layer


def laid_out(lengths: list[int], size: int, first: int = 0) -> tuple[Rows, list[list[int]]]:
    """Rows of these lengths, their newest token in the tail, and the blocks of each; `first`: the tail of the first."""
    sealed = [
        [(7 * at + block) % BLOCKS for block in range((length - 1) // size)] for at, length in enumerate(lengths, first)
    ]
    tails = [1 + at * size for at in range(first, first + len(lengths))]
    return Rows(sealed, tails, [(length - 1) % size + 1 for length in lengths]), sealed


def seen(states: QuantizedStates, sealed: list[int], tail: int, length: int) -> Tensor:
    """The stored view in float32 of those blocks and tail, as float64 [H, tokens, D]."""
    size = states.size
    wide = QuantizedStates(states.tails[None, :1].float(), 1, size, 1, states.kind, states._axis)
    wide.parts = states.parts
    open_ = states.tails[1 + tail * size :][: (length - 1) % size + 1]
    stored = wide.read(blocks_at(sealed, open_.device)) if sealed else open_[:0].float()
    return torch.cat([stored, open_.float()]).double().transpose(0, 1)
