"""compile=on: really compiled, the same tokens, no new graph as contexts and batches grow; a cancel is noticed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch.library import opcheck
from torch.testing._internal.optests import OpCheckError
from transformers import AutoModelForCausalLM, DynamicCache, LlamaConfig, LlamaForCausalLM
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from playground.engine.backends.base import Cancelled, EngineError
from playground.engine.backends.transformers.attention.grouped_sdpa import GROUPED
from playground.engine.backends.transformers.compile.attend_op import COMPILED, StepContext, begin, end
from playground.engine.backends.transformers.forward.parts import AttentionCall, eager_attention
from playground.engine.backends.transformers.weights.packed_linear import pack
from playground.protocol.commands import SetOptions
from playground.protocol.events import LoadStage, ModelLoading, OptionsApplied
from tests.engine.transformers.conftest import Member
from tests.engine.transformers.drafting import counts
from tests.engine.transformers.driven import Driven, ask
from tests.engine.transformers.reference import prompts
from tests.engine.transformers.test_scoring import score
from tests.engine.transformers.zoo.zoo import SIZES, ZOO, save, sharpened

needs_compiler = pytest.mark.skipif(not shutil.which("g++"), reason="inductor needs g++")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of one layer."""
    made = tmp_path_factory.mktemp("compiled") / "llama"
    save(sharpened(LlamaForCausalLM(LlamaConfig(**(SIZES | {"num_hidden_layers": 1})))), made)
    return made


@needs_compiler
def test_cancel_then_compile_in_flight(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    asked = ask(prompts(), [60, 90, 40, 70, 50], ignore_eos=True)
    driven = Driven(folder)
    eager = driven.run(asked)
    heard = cancel_warm_up(driven)
    assert heard >= 2 and driven.set(max_batch=4).effective["compile"] == "off"
    stages: list[LoadStage] = []
    driven.submit(ask(prompts(), [60, 90, 40, 70, 50], name="c", ignore_eos=True))
    for _ in range(5):
        driven.backend.step()
    driven.backend.set_options(SetOptions(changes={"compile": True}), lambda stage, *rest: stages.append(stage))
    live = driven.backend._live
    assert live and set(stages) == {"warm-up"}
    compiled = live.compile.compiled
    assert compiled
    ran = compiled.graphs
    driven.finish(at={9: {"attention": "sdpa-math"}, 14: {"kv_cache": "int8"}, 20: {"kv_cache": "model"}})
    assert driven.set(max_batch=3).effective["compile"] == "on"
    assert driven.run(ask(prompts(), [60, 90, 40, 70, 50], name="d", ignore_eos=True)) == eager
    driven.set(speculation="lookup:3")
    assert driven.run(ask(prompts(), [60, 90, 40, 70, 50], name="e", ignore_eos=True)) == eager
    assert counts(driven.steps)[1] > 0, "drafts went through the graph of several tokens"
    graph, through = compiled._graph, []
    monkeypatch.setattr(compiled, "_graph", lambda ids, *rest: through.append(len(ids)) or graph(ids, *rest))
    scored = score(driven, prompts()[0])
    prompted = len(prompts()[0]) - 1 if compiled.takes_prompts else 0
    assert sum(through) == prompted, "nothing comes after the last token"
    assert (compiled.graphs, compiled.recompiled) == (ran, 0) == (2, 0)
    assert driven.set(compile=False).effective["compile"] == "off"
    assert driven.run(ask(prompts()[:1], 60, name="f", ignore_eos=True)) == eager[:1]
    assert score(driven, prompts()[0]).nll == pytest.approx(scored.nll, abs=1e-4)
    driven.set(weights="int8")
    assert driven.set(weights="model", compile=True).effective["compile"] == "on"
    assert driven.run(ask(prompts()[:1], 60, name="g", ignore_eos=True)) == eager[:1]
    assert (compiled.graphs, compiled.recompiled) == (2, 0), "it was compiled before, for these layers"
    torch._dynamo.reset()


def test_a_graph_that_a_step_needs_anew_is_counted_and_shown(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torch._inductor import compile_fx

    # Tracing is what counts here; compiling would take its seconds once more.
    monkeypatch.setattr(compile_fx, "compile_fx", lambda graph, inputs, **options: graph.forward)
    driven = Driven(folder, compile=True)
    before = driven.run(ask(prompts()[:1], 8, ignore_eos=True))
    assert driven.of(OptionsApplied)[-1].effective["compile"] == "on"
    torch._dynamo.reset()
    assert driven.run(ask(prompts()[:1], 8, name="again", ignore_eos=True)) == [before[0]]
    said = driven.of(OptionsApplied)[-1]
    told = driven.of(ModelLoading)  # the prompt's step, where it is compiled, and the first that decodes
    compiled = driven.backend._engine.compile.compiled
    anew = 2 if compiled and compiled.takes_prompts else 1
    assert len(told) == anew and all("a step needs a graph anew" in event.detail for event in told)
    assert driven.events.index(told[-1]) < driven.events.index(said), "shown while the step waits, and ended after it"
    assert said.changed == [] and said.effective["compile"] == f"on (+{anew} graph{'s' * (anew > 1)})"
    assert said.reasons["compile"].startswith(f"{2 + anew} graphs ({anew} recompiled in a step), warm-up ")
    torch._dynamo.reset()


def test_what_cannot_be_compiled_says_why(member: Member) -> None:
    driven = Driven(member("gpt2").folder)
    with pytest.raises(EngineError, match="does not run its layers in the common order"):
        driven.set(compile=True)
    with pytest.raises(EngineError, match="compile=on does not go with weights=int8"):
        driven.set(compile=True, weights="int8")


@pytest.mark.parametrize(("kind", "changes"), [("DiffLlamaConfig", {}), ZOO["deepseek-v3"]])
def test_attention_to_what_the_cache_does_not_store_is_not_compiled(
    tmp_path: Path, kind: str, changes: dict[str, Any]
) -> None:
    """Halves of the values twice, and keys expanded from a latent cache."""
    config = getattr(transformers, kind)(**(SIZES | changes))
    save(sharpened(AutoModelForCausalLM.from_config(config, dtype=torch.float32)), tmp_path)
    driven = Driven(tmp_path)
    asked = ask(prompts()[:1], 6, ignore_eos=True)
    before = driven.run(asked)
    with pytest.raises(EngineError, match="attends to other keys and values than its cache stores"):
        driven.set(compile=True)
    assert driven.set(max_batch=2).effective["compile"] == "off" and driven.run(asked) == before


@pytest.mark.parametrize("kernel", ["eager", "sdpa", GROUPED])
@pytest.mark.parametrize("shapes", [[(3, 1)], [(1, 4)], [(2, 1), (2, 3)]], ids=str)
def test_attention_gives_the_shape_that_graphs_believe(kernel: str, shapes: list[tuple[int, int]]) -> None:
    """Graphs do not check the shapes that our operators return."""
    layer = LlamaForCausalLM(LlamaConfig(**SIZES)).model.layers[0].self_attn
    parts = [AttentionCall(rows, rows * queries, None, DynamicCache(), None, None) for rows, queries in shapes]
    heads = layer.config.num_attention_heads, *[layer.config.num_key_value_heads] * 2
    new = [torch.randn(sum(part.tokens for part in parts), count, 1, layer.head_dim) for count in heads]
    attend = ALL_ATTENTION_FUNCTIONS.get_interface(kernel, eager_attention(layer))
    begin(StepContext(parts, attend, {0: layer}, layer.config, kernel))
    with torch.inference_mode():
        opcheck(torch.ops.playground.attend.default, (*new, 0, layer.scaling), test_utils="test_faketensor")
    end()


def test_a_kernel_finds_its_own_name_in_the_config() -> None:
    """As transformers' flash_attention_2 looks its functions up by it."""
    layer = LlamaForCausalLM(LlamaConfig(**SIZES)).model.layers[0].self_attn
    layer.config._attn_implementation = COMPILED
    found: list[str] = []

    def kernel(
        module: torch.nn.Module, query: torch.Tensor, *rest: object, **more: object
    ) -> tuple[torch.Tensor, None]:
        found.append(module.config._attn_implementation)
        return query.transpose(1, 2), None

    begin(
        StepContext(
            [AttentionCall(1, 1, None, DynamicCache(), None, None)],
            kernel,
            {0: layer},
            layer.config,
            "flash_attention_2",
        )
    )
    heads = layer.config.num_attention_heads, *[layer.config.num_key_value_heads] * 2
    torch.ops.playground.attend(*(torch.randn(1, count, 1, layer.head_dim) for count in heads), 0, layer.scaling)
    end()
    assert found == ["flash_attention_2"] and layer.config._attn_implementation == COMPILED


def test_what_the_compiler_says_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torch._inductor import compile_fx

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("Python.h: No such file or directory")

    monkeypatch.setattr(compile_fx, "compile_fx", broken)
    with pytest.raises(EngineError, match=r"compile=on is not possible: Python\.h: No such file or directory"):
        Driven(folder).set(compile=True)


def test_a_graph_is_given_no_weight_that_it_would_copy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torch._inductor import compile_fx

    given: dict[str, str | None] = {}

    def trace(graph: torch.fx.GraphModule, *rest: object, **options: object) -> object:
        for node in graph.graph.find_nodes(op="placeholder"):
            given[node.name] = node.meta.get("tensor_dict", {}).get("_dynamo_static_input_type")
        return graph.forward

    plain = Driven(folder).run(asked := ask(prompts()[:1], 8, ignore_eos=True))
    monkeypatch.setattr(compile_fx, "compile_fx", trace)
    assert Driven(folder, compile=True).run(asked) == plain
    weights = {name: kind for name, kind in given.items() if "weight" in name}
    assert {name.rpartition("decoder_")[2] for name in weights if "norm" in name} == {"norm_weight"}
    assert len(weights) > 6 and None not in weights.values()
    torch._dynamo.reset()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_products_give_the_shape_that_graphs_believe(dtype: torch.dtype) -> None:
    plain = torch.nn.Linear(64, 48, bias=False, dtype=torch.float16 if dtype == torch.float32 else dtype)
    layer = pack(plain.to(dtype))
    if layer is None:
        pytest.skip(f"this CPU packs no {dtype}")
    with torch.inference_mode():
        for states in (torch.randn(3, 64, dtype=dtype), torch.randn(5, 1, 64, dtype=dtype)):
            opcheck(torch.ops.playground.linear.default, (states, id(layer), 48), test_utils="test_faketensor")
            with pytest.raises(OpCheckError):
                opcheck(torch.ops.playground.linear.default, (states, id(layer), 47), test_utils="test_faketensor")


def cancel_warm_up(driven: Driven) -> int:
    """Stops the warm-up at the third report, while the compiler runs; returns how often it reported."""
    heard = 0

    def progress(stage: LoadStage, done: int = 0, total: int = 0, detail: str = "") -> None:
        nonlocal heard
        heard += 1
        if heard >= 3:
            assert done == 0  # the first graph is not there yet
            raise Cancelled

    with pytest.raises(Cancelled):
        driven.backend.set_options(SetOptions(changes={"compile": True}), progress)
    return heard
