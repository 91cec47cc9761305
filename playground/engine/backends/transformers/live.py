"""One loaded model with its loop, and every toggle acting on both while requests run."""

from __future__ import annotations

import torch
from transformers import DynamicCache

from playground.engine.backends.base import Emit, EngineError, Progress, unheard
from playground.engine.backends.transformers.attention.attention import AttentionSwitch
from playground.engine.backends.transformers.compile.compiled import CompiledDecoder
from playground.engine.backends.transformers.kv.budget import KVBudget
from playground.engine.backends.transformers.kv.codes_attention import why_unpacked
from playground.engine.backends.transformers.kv.move import make_store, move
from playground.engine.backends.transformers.kv.shape import KVShape, kv_shape
from playground.engine.backends.transformers.model import LoadedModel
from playground.engine.backends.transformers.runner import TransformersRunner
from playground.engine.backends.transformers.weights.adapters import AdapterSwitch
from playground.engine.backends.transformers.weights.weights import WeightSwitch
from playground.engine.blocks import BlockManager
from playground.engine.core import EngineCore
from playground.engine.memory import device_memory, process_memory
from playground.engine.scheduler import Limits
from playground.protocol.events import ModelLoading
from playground.protocol.metrics import Memory
from playground.protocol.options import EngineOptions, as_text, changed_names, with_changes

KV_TOGGLES = ("kv_cache", "kv_blocks", "block_size")
# From fine to coarse.
KV_KINDS = ("model", "int8", "fp8", "int4", "int2")


class LiveEngine:
    """`apply` raises `EngineError` where a toggle cannot be had; what was before then stands again."""

    def __init__(
        self,
        loaded: LoadedModel,
        options: EngineOptions,
        emit: Emit,
        progress: Progress,
        allow_pickle: bool = False,
    ) -> None:
        self.loaded = loaded
        self.options = EngineOptions(device=options.device, dtype=options.dtype)
        self.weights = WeightSwitch(loaded.model, loaded.device)
        if loaded.device.type != "cpu":
            progress("device")
            loaded.model.to(loaded.device)  # type: ignore[arg-type]
        self.attention = AttentionSwitch(loaded.model)
        self.adapters = AdapterSwitch(loaded.model, loaded.device, allow_pickle)
        self.attention.set("auto")
        self.compiled: CompiledDecoder | None = None
        self._emit = emit
        progress("warm-up")
        self.kv_shape = self.probe()
        self._budget = KVBudget(self.kv_shape, loaded.context, loaded.device)
        blocks = self._budget.blocks(self.options)
        store = make_store("model", blocks, self.options.max_batch)
        self.runner = TransformersRunner(loaded, self.attention, blocks, store)
        self.core = EngineCore(self.runner, emit)
        self._mixed, self._recompiled = False, 0
        self._attended: dict[str, str] = {}
        self._weighed: tuple[tuple[str, str, bool], int] = (("", "", False), 0)
        self._set_limits(self.options)

    def apply(self, options: EngineOptions, progress: Progress) -> None:
        """Set what differs, toggle by toggle; on a fault those already set go back."""
        done = self.options
        # Slots first, because KV is reserved per slot; compile last, so that it compiles the final configuration.
        turns = {"max_batch": -1, "compile": int(options.compile)}
        for name in sorted(changed_names(self.options, options), key=lambda name: turns.get(name, 0)):
            if (after := _with(done, options, name)) == done:
                continue
            try:
                self._set(name, after, progress)
            except BaseException:
                self._go_back(done)
                raise
            done = after
        self.options = options
        self.attention.let_codes(self._coded is not None and not self._why_unpacked)
        if not self.core.busy and not self.attention.known:
            self.probe()

    def _go_back(self, done: EngineOptions) -> None:
        """From what was set to what was before; what a coarser cache lost on the way is computed again."""
        for name in changed_names(self.options, done):
            if (before := _with(done, self.options, name)) != done:
                self._set(name, before, unheard)
                done = before
        self.rebuild()

    def probe(self) -> KVShape:
        """Run the smallest prefill and decode under the attention of now; returns what a token's KV weighs."""
        cache, device = DynamicCache(), self.loaded.device
        with torch.inference_mode(), self.attention.context():
            for phase, ids in (("prefill", [[0, 0]]), ("decode", [[0]])):
                with self.attention.watched_whole(phase):
                    self.loaded.model(input_ids=torch.tensor(ids, device=device), past_key_values=cache, use_cache=True)
        return kv_shape(cache)

    def effective(self) -> dict[str, str]:
        """The values really in use, spelled as toggles, with attention per phase."""
        blocks, origins = self.runner.blocks, self._origins()
        mixed = f" (from {', '.join(sorted(origins))})" if origins else ""
        self._mixed, self._attended = bool(origins), dict(self.attention.effective)
        return as_text(self.options) | {
            "device": str(self.loaded.device),
            "dtype": str(self.loaded.model.dtype).removeprefix("torch."),
            "weights": self.weights.kind,
            "adapter": self.adapters.name,
            "adapter_facts": self.adapters.facts,
            "kv_cache": self.options.kv_cache + mixed,
            "kv_blocks": str(blocks.count),
            "block_size": str(blocks.size),
            "compile": self._compile_state(),
            **self.attention.summary(),
        }

    def reasons(self) -> dict[str, str]:
        """Why effective differs from requested, by toggle."""
        unpacked = self._why_unpacked and f"decode unpacks the KV cache: {self._why_unpacked}"
        reasons = {"attention": self.attention.difference or unpacked, "dtype": self.loaded.why_dtype}
        if self.options.kv_blocks == "auto":
            reasons["kv_blocks"] = self._budget.reason(self.kv_reserved)
        if self._origins():
            reasons["kv_cache"] = "what a coarser cache lost does not come back; new requests are exact, rebuild mends"
        if self.compiled and self.options.compile:
            anew = f" ({self.compiled.recompiled} recompiled in a step)" if self.compiled.recompiled else ""
            seconds = f"{self.compiled.seconds:.1f} s"
            apart = "" if self.compiled.takes_prompts else ", prompts and drafts run uncompiled"
            products = ", own bfloat16 products" if self.compiled.own_products else ""
            reasons["compile"] = f"{self.compiled.graphs} graphs{anew}, warm-up {seconds}{products}{apart}"
        return {name: reason for name, reason in reasons.items() if reason}

    @property
    def unsettled(self) -> bool:
        """Something effective may still change while requests run."""
        recompiled = self.compiled.recompiled if self.compiled and self.options.compile else self._recompiled
        attended = self._attended != self.attention.effective
        return attended or self._mixed != bool(self._origins()) or self._recompiled != recompiled

    def memory(self) -> Memory:
        """The ledger now."""
        core = self.core
        as_stored = self.options.weights == "model" and self.options.dtype == "auto" and not self.loaded.why_dtype
        return Memory(
            weights=self.weight_bytes,
            weights_predicted=self.loaded.checkpoint.weight_bytes if as_stored else None,
            kv_used=self.runner.kv_bytes(core.running),
            kv_reserved=self.kv_reserved,
            kv_tails=self._kv_tails,
            kv_peak=core.kv_peak,
            kv_transient=self.runner.cache.store.transient_bytes,
            **process_memory(),
            **device_memory(self.loaded.device),
        )

    @property
    def kv_reserved(self) -> int:
        """Bytes of all blocks, and of the tails of all slots where blocks are quantized once they are full."""
        return self.runner.blocks.count * self._budget.block_bytes(self.options) + self._kv_tails

    @property
    def _kv_tails(self) -> int:
        return self.runner.cache.store.tails * self._budget.tail_bytes(self.options)

    @property
    def weight_bytes(self) -> int:
        """Counted over all tensors once a switch: there may be thousands."""
        state = self.weights.kind, self.adapters.path, self.options.compile
        if self._weighed[0] != state:
            self._weighed = state, self.weights.bytes + self.runner.packed_bytes
        return self._weighed[1]

    def reseed(self, options: EngineOptions) -> None:
        """Forget every prefix; new ones are known under these options."""
        self.runner.blocks.reseed(f"{options.weights} {options.int8_threshold} {options.kv_cache} {options.adapter}")

    def rebuild(self) -> None:
        """Compute again what went through a coarser KV cache: then it is what the cache of now would have stored."""
        self.core.preempt([request for request in self.core.running if request.kv_origin])

    def _origins(self) -> set[str]:
        return {request.kv_origin for request in self.core.running} - {""}

    def _set(self, name: str, options: EngineOptions, progress: Progress) -> None:
        match name:
            case "attention":
                self._set_attention(options)
            case "weights" | "int8_threshold":
                self._set_weights(options, progress)
            case "adapter":
                self._set_adapter(options, progress)
            case "kv_cache" | "kv_blocks" | "block_size":
                self._set_kv(options, progress)
            case "batching" | "max_batch" | "token_budget" | "speculation":
                self._set_limits(options)
            case "prefix_cache":
                self._set_prefix_cache(options)
            case "compile":
                self._set_compile(options, progress)

    def _set_attention(self, options: EngineOptions) -> None:
        self.attention.set(options.attention)
        self.attention.try_varlen(self.runner.plain_decoder)

    def _set_weights(self, options: EngineOptions, progress: Progress) -> None:
        worn = self.adapters.path
        if options.weights != self.weights.kind:
            self.adapters.switch("off", self.weights.kind, progress)
        try:
            self.weights.switch(options.weights, options.int8_threshold, progress)
        finally:
            if worn != self.adapters.path:
                self.adapters.switch(worn, self.weights.kind, unheard)
            self.runner.look_at_layers()
        self.weights.set_threshold(options.int8_threshold)
        self.reseed(options)

    def _set_adapter(self, options: EngineOptions, progress: Progress) -> None:
        self.adapters.switch(options.adapter, self.weights.kind, progress)
        self.runner.look_at_model()
        self.reseed(options)

    def _set_limits(self, options: EngineOptions) -> None:
        self.core.limits = Limits.of(options)
        self.runner.cache.store.reserve(options.max_batch)

    def _set_compile(self, options: EngineOptions, progress: Progress) -> None:
        """What was compiled stays, so that on again compiles nothing."""
        plain = self.runner.plain_decoder
        if not options.compile:
            self.runner.decoder = plain
            if self.compiled:
                self.compiled.give_products_back()
            return
        if plain is None:
            name = type(self.loaded.model).__name__
            raise EngineError(
                f"compile=on is not possible: {name} does not run its layers in the common order", "keep compile=off"
            )
        if self.compiled is None or self.compiled.decoder is not plain:
            compiled = CompiledDecoder(self.loaded.model, plain, self.loaded.device, self._compile_anew)
            compiled.warm_up((1, max(2, options.max_batch)), progress)
            self.compiled = compiled
        else:
            self.compiled.take_products(progress)
        self.runner.decoder = self.compiled

    @property
    def _coded(self) -> CompiledDecoder | None:
        """What might attend over a quantized cache as it is stored."""
        return self.compiled if self.options.compile and self.options.kv_cache != "model" else None

    @property
    def _why_unpacked(self) -> str:
        """Why the fused codes kernel does not run; empty if it runs or none exists."""
        if self._coded is None:
            return ""
        return why_unpacked(self.options.kv_cache, self.kv_shape, self.loaded.device) or self._coded.why_unpacked

    def _compile_anew(self) -> None:
        """`OptionsApplied` follows the step, and ends what this shows."""
        self._emit(ModelLoading(stage="warm-up", detail="a step needs a graph anew and waits for it"))

    def _compile_state(self) -> str:
        if not (self.compiled and self.options.compile):
            return "off"
        self._recompiled = self.compiled.recompiled
        # Short, so that a panel has room for it: the reason says the rest.
        return f"on (+{self._recompiled} graph{'s' * (self._recompiled > 1)})" if self._recompiled else "on"

    def _set_prefix_cache(self, options: EngineOptions) -> None:
        self.runner.blocks.prefix_cache = options.prefix_cache
        self.reseed(options)

    def _set_kv(self, options: EngineOptions, progress: Progress) -> None:
        """A block of another size has another shape: what runs is computed again. All else is moved."""
        blocks, kind = self._budget.blocks(options, self._held), self.runner.cache.store.kind
        if options.block_size != self.runner.blocks.size:
            self.core.preempt(list(self.core.running))
            self.runner.use_store(blocks, make_store(options.kv_cache, blocks, options.max_batch))
        else:
            self._move_kv(options, blocks, progress)
        if options.kv_cache != kind:
            self.attention.watch_anew()

    def _move_kv(self, options: EngineOptions, blocks: BlockManager, progress: Progress) -> None:
        core = self.core
        while len({block for request in core.running for block in request.table}) > blocks.count:
            core.preempt(core.running[-1:])
        store = make_store(options.kv_cache, blocks, options.max_batch)
        with torch.inference_mode():
            move(core.running, self.runner.cache.store, store, blocks, self.kv_shape.layers, progress)
        for request in core.running:
            went = max(request.kv_origin or "model", self.runner.cache.store.kind, key=KV_KINDS.index)
            lost = KV_KINDS.index(went) > KV_KINDS.index(options.kv_cache) and request.computed >= blocks.size
            request.kv_origin = went if lost else ""
        self.runner.use_store(blocks, store)

    @property
    def _held(self) -> int:
        """Bytes that the blocks of now take from what is free; the first token makes their storage."""
        return self.kv_reserved if self.runner.cache.store.made else 0


def _with(base: EngineOptions, source: EngineOptions, name: str) -> EngineOptions:
    """What shapes the KV cache changes at once: so many blocks may fit in one dtype alone."""
    names = KV_TOGGLES if name in KV_TOGGLES else (name,)
    return with_changes(base, {each: getattr(source, each) for each in names})
