"""Under a quantized cache a prefill over many blocks in one pass gives the same as block by block."""

from __future__ import annotations

import pytest
import torch

from playground.engine.backends.transformers.attention.attention import AttentionSwitch
from playground.engine.backends.transformers.kv import packed_rows
from playground.engine.backends.transformers.kv.packed_rows import pack_rows, unpack_rows
from playground.engine.backends.transformers.kv.quantization import CHANNELS, TOKENS, dequantize, low_dtype, quantize
from playground.engine.backends.transformers.kv.stored_view import stored_mask
from playground.protocol.dtypes import CODE_BITS
from tests.engine.transformers.conftest import Member
from tests.engine.transformers.driven import Driven, ask
from tests.engine.transformers.reference import DEVICE, MOST
from tests.engine.transformers.test_scoring import score, text


@pytest.mark.parametrize("kind", CODE_BITS)
@pytest.mark.parametrize("attention", ["auto", "eager"])
@pytest.mark.parametrize("name", ["llama-64", "qwen2", "deepseek-v3"])
def test_one_pass_is_block_by_block(
    member: Member, name: str, attention: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = member(name)
    driven = Driven(reference.folder, kv_cache=kind, attention=attention, prefix_cache=False)
    # In float32 a key half way between two codes goes either way when sums are made in another order.
    model = driven.backend._engine.loaded.model.double()
    driven.backend._engine.core.runner.rebuild_decoder()
    if name == "deepseek-v3":
        model.set_experts_implementation("eager")  # the grouped one knows no float64
    forwards = counted(driven, monkeypatch)
    once, tokens = score(driven, text(reference)), driven.run(ask(reference.prompts, MOST, ignore_eos=True))
    few = len(forwards)
    monkeypatch.setattr(AttentionSwitch, "takes_any_mask", False)
    blocks, again = score(driven, text(reference)), driven.run(ask(reference.prompts, MOST, name="b", ignore_eos=True))
    assert len(forwards) - few > few, "one pass should take fewer forwards"
    assert once.nll == pytest.approx(blocks.nll, abs=1e-5) and once.top == blocks.top
    assert tokens == again


def test_windows_keep_the_split_path(member: Member) -> None:
    for name in ("mistral-sliding", "gemma3", "bloom", "falcon-alibi"):
        for attention in ("auto", "eager"):
            live = Driven(member(name).folder, attention=attention).backend._engine
            assert not live.attention.takes_any_mask, name
    assert Driven(member("qwen2").folder).backend._engine.attention.takes_any_mask


def test_the_mask_shows_stored_keys_of_earlier_blocks_and_exact_ones_of_its_own() -> None:
    from playground.engine.backends.transformers.kv.row import BatchRow

    mask = stored_mask(BatchRow(None, 3, 4), 2, torch.device("cpu"))[0, 0]  # type: ignore[arg-type]
    # Queries 3..6 over stored 0..5, then exact 2..6.
    shown = ["".join("x" if seen else "." for seen in row) for row in mask.tolist()]
    assert shown == ["xx....xx...", "xxxx....x..", "xxxx....xx.", "xxxxxx....x"]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("axis", [TOKENS, CHANNELS])
@pytest.mark.parametrize("kind", CODE_BITS)
def test_no_number_is_off_by_more_than_its_step_allows(kind: str, axis: int, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    blocks = torch.randn(5, 16, 2, 64) * 3 + torch.randn(64)
    blocks[0, :, 0, 0] = 100 + torch.rand(16)  # a channel far from zero
    blocks[1] = 0
    parts, seen = quantize(blocks, kind, axis), torch.empty(blocks.shape, dtype=dtype)
    dequantize(parts, kind, seen)
    step = steps(parts)
    allowed = blocks.abs() / 16 + step if kind == "fp8" else 0.52 * step + blocks.abs() / 500
    assert ((seen.float() - blocks).abs() <= allowed + blocks.abs() / 200 * (dtype != torch.float32)).all()
    again = torch.empty_like(seen)
    for at in range(5):
        dequantize([part[at : at + 1] for part in parts], kind, again[at : at + 1])
    assert torch.equal(seen, again), "the same numbers in whatever company a block is read"
    assert len(parts) == 1 or low_dtype(kind, axis) in (None, parts[-1].dtype)


def steps(parts: list[torch.Tensor]) -> torch.Tensor:
    """The step of every group, from its own tensor or out of its row."""
    return (parts[1] if len(parts) > 1 else parts[0][..., -4:-2].contiguous().view(torch.float16)).float()


@pytest.mark.parametrize("dim", [8, 12, 64, 80, 256])
@pytest.mark.parametrize("bits", [4, 2])
def test_rows_are_unpacked_alike_in_one_pass_and_by_single_operators(bits: int, dim: int) -> None:
    torch.manual_seed(dim)
    codes = torch.randint(0, 2**bits, (3, 16, 2, dim), dtype=torch.uint8)
    step, low = torch.rand(3, 16, 2, 1).half(), torch.randn(3, 16, 2, 1).half()
    rows = pack_rows(codes, step, low, bits)
    assert rows.shape == (3, 16, 2, dim * bits // 8 + 4)
    exact = (codes.double() * step.double() + low.double()).float()
    fused, single = unpack_rows(rows, bits), packed_rows._unpack(rows.to(DEVICE), bits).cpu()
    assert fused.dtype == single.dtype == torch.float32
    # The one pass rounds once, single operators twice: by a last digit of what they add up.
    near = 2**-23 * (codes * step + low.abs())
    assert ((fused - exact).abs() <= near).all() and ((single - exact).abs() <= near).all()
    assert torch.equal(fused[1:2], unpack_rows(rows[1:2], bits)), "the same numbers in whatever company"


def test_fp8_is_that_of_pytorch() -> None:
    codes = torch.arange(256, dtype=torch.uint8)
    codes = codes[(codes & 0x7F) != 0x7F].view(1, 1, 1, -1)
    seen = torch.empty(codes.shape)
    dequantize([codes, torch.ones(1, 1, 1, 1, dtype=torch.float16)], "fp8", seen)
    assert torch.equal(seen, codes.view(torch.float8_e4m3fn).float())


def counted(driven: Driven, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Notes every forward of more than one token."""
    runner, forwards = driven.backend._engine.core.runner, []
    forward = runner.forward

    def noted(rows, cache, keep):
        forwards.extend([1] * (max(row.count for row in rows) > 1))
        return forward(rows, cache, keep)

    monkeypatch.setattr(runner, "forward", noted)
    return forwards
