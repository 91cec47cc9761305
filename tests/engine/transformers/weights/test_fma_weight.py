"""Our own bfloat16 product: right to float32's precision, each row by itself, no weight lost; compile=on uses it where
it is faster, and gives it back."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor

from playground.engine.backends.base import Cancelled
from playground.engine.backends.transformers.compile import compiled
from playground.engine.backends.transformers.compile.compiler import why_not_compiled
from playground.engine.backends.transformers.native import library
from playground.engine.backends.transformers.weights import fma_weight
from playground.engine.backends.transformers.weights.fma_weight import FmaWeight, compiled_product
from playground.engine.backends.transformers.weights.laid_out_linear import LayOut, laid_out
from playground.engine.backends.transformers.weights.onednn_weight import can_lay_out
from playground.engine.backends.transformers.weights.weights import weight_bytes
from playground.protocol.commands import SetOptions
from tests.engine.transformers.driven import Driven, ask
from tests.engine.transformers.reference import DEVICE, prompts
from tests.engine.transformers.weights.test_packed_linear import in_bfloat16

able = DEVICE == "cpu" and torch.backends.cpu.get_cpu_capability() == "AVX512" and can_lay_out()
pytestmark = pytest.mark.skipif(
    not able or bool(why_not_compiled(torch.device("cpu"))), reason="needs AVX-512 and a compiler"
)
SHAPES = [(32, 2), (5, 1), (37, 55), (72, 600), (160, 2816), (64, 21_000)]  # [out, in]; the last fits no cache at once
ROWS = (*range(1, 27), 100)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("outputs,inputs", SHAPES)
def test_a_product_is_the_exact_one_rounded(outputs: int, inputs: int, bias: bool) -> None:
    weight, added = randoms(outputs, inputs), randoms(outputs) if bias else None
    layer = FmaWeight(compiled_product(), weight, added)
    for count in ROWS:
        states = randoms(count, inputs)
        exact = states.double() @ weight.double().T + (0 if added is None else added.double())
        terms = states.double().abs() @ weight.double().abs().T + (0 if added is None else added.double().abs())
        assert ((layer(states).double() - exact).abs() <= exact.abs() * 2**-8 + terms * inputs * 2**-24).all()


@pytest.mark.parametrize("threads", [1, 2])
def test_a_row_is_the_same_whatever_other_rows_there_are(threads: int) -> None:
    before, states = torch.get_num_threads(), randoms(130, 600)
    layer = FmaWeight(compiled_product(), randoms(72, 600), None)
    whole = layer(states)
    torch.set_num_threads(threads)
    for count in ROWS:
        assert torch.equal(layer(states[:count]), whole[:count])
        assert torch.equal(layer(states[130 - count :].unsqueeze(1)), whole[130 - count :].unsqueeze(1))
    torch.set_num_threads(before)


def test_what_is_no_number_stays_none() -> None:
    states = torch.ones(3, 40).bfloat16()
    states[0, 3], states[1, 7] = torch.nan, torch.inf
    answer = FmaWeight(compiled_product(), torch.ones(40, 40).bfloat16(), None)(states)
    assert answer[0].isnan().all() and (answer[1] == torch.inf).all() and (answer[2] == 40).all()


def test_states_of_another_kind_are_refused() -> None:
    layer = FmaWeight(compiled_product(), randoms(32, 64), None)
    for states in (torch.ones(3, 64), randoms(64, 3)):
        with pytest.raises(TypeError, match=r"states must be bfloat16 \[..., 64\]"):
            layer(states)
    assert layer(randoms(3, 128)[:, ::2]).shape == (3, 32) and layer(randoms(0, 64)).shape == (0, 32)


@pytest.mark.parametrize("outputs,inputs", SHAPES)
def test_a_weight_comes_back_bit_by_bit(outputs: int, inputs: int) -> None:
    weight = torch.randint(-(2**15), 2**15, (outputs, inputs), dtype=torch.int16)
    layer = FmaWeight(compiled_product(), weight.view(torch.bfloat16), None)
    assert torch.equal(layer.dense().view(torch.int16), weight) and layer.bytes >= weight.nbytes


def test_it_is_used_where_it_is_the_faster_one_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = fma_weight.fma_weight.__wrapped__
    monkeypatch.setattr(fma_weight, "_gain", lambda lay_out: 1.5)
    assert asked() is not None
    monkeypatch.setattr(fma_weight, "_gain", lambda lay_out: 1.05)
    assert asked() is None
    (tmp_path / "fma_product.cpp").write_text("this is no C++")
    monkeypatch.setattr(library, "FOLDER", tmp_path)
    monkeypatch.setattr(fma_weight, "compiled_product", compiled_product.__wrapped__)
    assert asked() is None
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    monkeypatch.setattr(library, "FOLDER", None)  # nothing is compiled
    assert asked() is None


def test_the_trial_times_both() -> None:
    slow = partial(Twice, compiled_product())
    assert fma_weight._gain(slow) < fma_weight._gain(partial(FmaWeight, compiled_product()))


def test_compile_takes_it_up_and_gives_it_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "fma_weight", lambda: lay_out)
    lay_out: LayOut = partial(FmaWeight, compiled_product())
    driven = Driven(in_bfloat16("llama-even", tmp_path).folder, dtype="bfloat16")
    asked = [ask(prompts(), 24, name=name, ignore_eos=True) for name in "abcd"]
    plain, weights = driven.run(asked[0]), driven.backend._live.memory().weights
    assert kinds(driven) == {"OneDnnWeight"}
    driven.submit(asked[1])
    for _ in range(5):
        driven.backend.step()
    applied = driven.set(compile=True)
    assert kinds(driven) == {"FmaWeight"} and applied.reasons["compile"].endswith(", own bfloat16 products")
    live = driven.backend._live
    assert applied.after.weights == weight_bytes(live.loaded.model) + live.core.runner.packed_bytes != weights
    driven.finish()
    own = driven.run(asked[2])
    graphs = live.compile.compiled.graphs
    driven.set(compile=False)
    assert kinds(driven) == {"OneDnnWeight"} and live.memory().weights == weights
    assert driven.run(asked[3]) == plain
    driven.set(compile=True)
    assert driven.run(ask(prompts(), 24, name="e", ignore_eos=True)) == own
    assert kinds(driven) == {"FmaWeight"} and live.compile.compiled.graphs == graphs
    torch._dynamo.reset()


@pytest.mark.parametrize("when", ["weights laid out", "compiling attention over codes"])
def test_a_cancel_half_way_leaves_what_was(when: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torch._inductor import compile_fx

    monkeypatch.setattr(compile_fx, "compile_fx", lambda graph, inputs, **options: graph.forward)
    monkeypatch.setattr(compiled, "fma_weight", lambda: partial(FmaWeight, compiled_product()))
    driven = Driven(in_bfloat16("llama-even", tmp_path).folder, dtype="bfloat16")
    seen: list[set[str]] = []

    def progress(stage: str, done: int = 0, total: int = 0, detail: str = "") -> None:
        if detail.startswith(when) and done == total - 1:
            seen.append(kinds(driven))
            raise Cancelled

    with pytest.raises(Cancelled):
        driven.backend.set_options(SetOptions(changes={"compile": True}), progress)
    assert len(seen) == 1 and "FmaWeight" in seen[0] and kinds(driven) == {"OneDnnWeight"}
    assert driven.set(max_batch=4).effective["compile"] == "off"
    torch._dynamo.reset()


class Twice(FmaWeight):
    """Takes twice as long."""

    def __call__(self, states: Tensor) -> Tensor:
        super().__call__(states)
        return super().__call__(states)


def kinds(driven: Driven) -> set[str]:
    """The classes that layers with a laid-out weight compute with."""
    live = driven.backend._live
    layers = laid_out([*live.loaded.model.modules(), *live.core.runner.plain_decoder.joint])
    return {type(layer._laid_out).__name__ for layer in layers if layer._laid_out is not None}


def randoms(*shape: int) -> Tensor:
    """Random numbers in bfloat16."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape))).bfloat16()
