"""The step compiled by inductor. On a GPU it runs as CUDA graphs, each of one shape, and prefill stays uncompiled.

In a graph every token is a row of its own, whichever part it belongs to: only attention, which runs outside, knows the
parts. So two graphs serve every step: one for a single token, one for any number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn
from transformers import Cache, DynamicCache, PreTrainedModel
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from playground.engine.backends.base import Progress
from playground.engine.backends.transformers.attention.varlen import Ragged
from playground.engine.backends.transformers.compile.attend_op import COMPILED, NewStates, StepContext, begin, end
from playground.engine.backends.transformers.compile.compiler import watched
from playground.engine.backends.transformers.forward.decoder import PlainDecode
from playground.engine.backends.transformers.forward.lean_decoder import LeanDecoder
from playground.engine.backends.transformers.forward.parts import (
    AttentionCall,
    Part,
    attention_call,
    eager_attention,
    newest,
    shared_out,
)
from playground.engine.backends.transformers.kv.codes_attention import why_missing
from playground.engine.backends.transformers.weights.fma_weight import fma_weight
from playground.engine.backends.transformers.weights.laid_out_linear import laid_out
from playground.engine.backends.transformers.weights.onednn_weight import OneDnnWeight
from playground.engine.backends.transformers.weights.packed_linear import Packed

# Runs per CUDA graph: one warm-up, one capture; they must not be cancelled in between.
RECORDINGS = 2
# Larger batches are recorded by the steps that first have them.
MOST_RECORDED = 64


class CompiledDecoder:
    """See `Decode`. `graphs`: how many were compiled. `seconds`: how long the warm-up took. `recompiled`: graphs
    compiled after it; each delays a step, and `on_recompile` is called before. `own_products`: see `take_products`.
    `why_unpacked`: why decoding rows cannot attend over a quantized cache as it is stored; empty if they can."""

    def __init__(
        self, model: PreTrainedModel, decoder: PlainDecode, device: torch.device, on_recompile: Callable[[], None]
    ) -> None:
        self.decoder, self._device, self._config, self._on_recompile = decoder, device, model.config, on_recompile
        modules: Iterator[Any] = model.modules()
        attentions = (module for module in modules if type(module).__name__.endswith("Attention"))
        self._modules: dict[int, nn.Module] = {module.layer_idx: module for module in attentions}
        self._eager = next(map(eager_attention, self._modules.values()), None)
        self.takes_prompts = device.type == "cpu"
        self._states = NewStates()
        self._laid_out = laid_out([*model.modules(), *decoder.joint])
        self.own_products = False
        self.why_unpacked = "this model's layers read their cache themselves"
        self.graphs = self.recompiled = 0
        self.seconds = 0.0
        self._warm = False
        self._graph = torch.compile(self._run, backend=self._backend, fullgraph=True)

    @property
    def joint(self) -> list[Packed]:
        """See `Decode`."""
        return self.decoder.joint

    @property
    def joins(self) -> bool:
        """See `Decode`."""
        return self.takes_prompts and self.decoder.joins

    def __call__(
        self, ids: Tensor, positions: Tensor, mask: Tensor | Ragged | None, cache: Cache, keep: int = 1
    ) -> Tensor:
        """See `Decode`."""
        return self.together([Part(ids, positions, mask, cache, keep)])[0]

    def together(self, parts: Sequence[Part]) -> list[Tensor]:
        """See `Decode`."""
        ids = torch.cat([part.ids.reshape(-1, 1) for part in parts])
        positions = torch.cat([part.positions.reshape(-1, 1) for part in parts])
        kept = newest(parts)
        count = len(kept)
        if len(ids) > 1:
            kept = kept.repeat(2) if count == 1 else kept  # the graph for any number needs two or more
            for sized in (ids, positions, kept):
                torch._dynamo.mark_dynamic(sized, 0)
        logits = self._ran(ids, positions, kept, [attention_call(part.ids, part.mask, part.cache) for part in parts])
        return shared_out(parts, logits[:count])

    def _ran(self, ids: Tensor, positions: Tensor, kept: Tensor, parts: Sequence[AttentionCall]) -> Tensor:
        name, before = self._config._attn_implementation, self.graphs
        kernel = ALL_ATTENTION_FUNCTIONS.get_interface(name, self._eager)  # type: ignore[arg-type]
        begin(StepContext(parts, kernel, self._modules, self._config, name))
        self._config._attn_implementation = COMPILED
        try:
            logits: Tensor = self._graph(ids, positions, kept)
        finally:
            self._config._attn_implementation = name
            end()
        self.recompiled += self.graphs - before
        return logits

    def warm_up(self, rows: Sequence[int], progress: Progress) -> None:
        """Compile for these numbers of rows. Raises `EngineError` if the model cannot be compiled; a cancel ends it at
        once."""
        start, total = perf_counter(), len(rows) + 1
        torch._dynamo.reset()  # graphs of a previous decoder would count towards a limit of eight
        self.take_products(progress)
        try:
            for done, count in enumerate(rows):
                detail = f"compiling the step of {'one token' if count == 1 else 'several tokens'}"
                with watched(progress, done, total, detail), torch.inference_mode():
                    self._compile(count)
            if self.takes_prompts and isinstance(self.decoder, LeanDecoder):
                with watched(progress, len(rows), total, "compiling attention over codes"):
                    self.why_unpacked = why_missing()
            self.record(rows[-1], progress)
            progress("warm-up", total, total)
        except BaseException:
            self.give_products_back()
            torch._dynamo.reset()
            raise
        self.seconds, self.recompiled, self._warm = perf_counter() - start, 0, True

    def record(self, slots: int, progress: Progress) -> None:
        """Record the CUDA graphs of every number of rows up to `slots`, since a batch that fills or drains meets them
        all. What is recorded already runs again in its graph."""
        if self._device.type != "cuda":
            return
        most = min(slots, MOST_RECORDED)
        for count in range(1, most + 1):
            progress("warm-up", count - 1, most, f"recording the step of {count} row{'s' * (count > 1)}")
            with torch.inference_mode():
                for _ in range(RECORDINGS):
                    self._compile(count)

    def _compile(self, count: int) -> None:
        # A prompt has more tokens than logits: if the numbers were equal here, the graph would require that.
        tokens = 2 if count > 1 and self.takes_prompts else 1
        ids = torch.zeros(count, tokens, dtype=torch.long, device=self._device)
        self(ids, torch.zeros_like(ids), None, DynamicCache())

    def take_products(self, progress: Progress) -> None:
        """Let every bfloat16 layer compute with our compiled product, where that is faster."""
        if not self._laid_out:
            return
        with watched(progress, 0, 1, "compiling the product of bfloat16"):
            kind = fma_weight()
        self.own_products = kind is not None
        if kind is None:
            return
        try:
            for done, layer in enumerate(self._laid_out):
                layer.lay_out(kind)
                progress("converting", done + 1, len(self._laid_out), "weights laid out for the compiled product")
        except BaseException:
            self.give_products_back()
            raise

    def give_products_back(self) -> None:
        """Let layers compute with PyTorch's product again, with identical bits."""
        for layer in self._laid_out:
            layer.lay_out(OneDnnWeight)

    def close(self) -> None:
        """Drop every graph."""
        torch._dynamo.reset()

    def _run(self, ids: Tensor, positions: Tensor, kept: Tensor) -> Tensor:
        states = self.decoder.states(ids, positions, None, self._states).flatten(0, 1)
        return self.decoder.logits(states.index_select(0, kept))

    def _backend(self, graph: torch.fx.GraphModule, inputs: list[Any]) -> Any:
        from torch._inductor.compile_fx import compile_fx  # takes seconds to import, and only this toggle needs it

        self.graphs += 1
        if self._warm:
            self._on_recompile()
        # On a CPU, store what is read twice: else each layer would add up all earlier ones again in its kernel.
        chosen = {"triton.cudagraphs": True} if self._device.type == "cuda" else {"realize_reads_threshold": 1}
        # One compiling process: helpers would stay, each with hundreds of megabytes. Checking the shape of every
        # operator's output takes 2 ms of a step of 24 layers; the compiler chose them, and our operators keep theirs.
        spared = {"compile_threads": 1, "size_asserts": False, "alignment_asserts": False}
        return compile_fx(graph, inputs, config_patches=spared | chosen)
