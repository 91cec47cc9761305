"""One loaded model with its loop, and the switches that act on both while requests run."""

from __future__ import annotations

import torch
from transformers import DynamicCache

from playground.engine.backends.base import Emit, Progress, no_progress
from playground.engine.backends.transformers.attention.attention import AttentionSwitch
from playground.engine.backends.transformers.compile.compiled import CompiledDecoder
from playground.engine.backends.transformers.compile_switch import CompileSwitch
from playground.engine.backends.transformers.kv.budget import KVBudget
from playground.engine.backends.transformers.kv.codes_attention import why_unpacked
from playground.engine.backends.transformers.kv.move import make_store
from playground.engine.backends.transformers.kv.shape import KVShape, kv_shape
from playground.engine.backends.transformers.kv_switch import KVSwitch
from playground.engine.backends.transformers.model import LoadedModel
from playground.engine.backends.transformers.runner import TransformersRunner
from playground.engine.backends.transformers.weights.adapters import AdapterSwitch
from playground.engine.backends.transformers.weights.weights import WeightSwitch
from playground.engine.core import EngineCore
from playground.engine.memory import device_memory, process_memory
from playground.engine.scheduler import Limits
from playground.protocol.metrics import Memory
from playground.protocol.options import EngineOptions, as_text, changed_names, with_changes

KV_TOGGLES = ("kv_cache", "kv_blocks", "block_size")


class LiveEngine:
    """A switch for each toggle, or group of toggles, that changes the model, its KV cache or its forward."""

    def __init__(
        self,
        loaded: LoadedModel,
        options: EngineOptions,
        emit: Emit,
        progress: Progress,
        allow_pickle: bool = False,
    ) -> None:
        self.loaded = loaded
        shaping = ("device", "dtype", "weights", "int8_threshold")
        self.options = with_changes(EngineOptions(), {name: getattr(options, name) for name in shaping})
        self.weights = WeightSwitch(loaded.model, loaded.device)
        # Before they move: converted weights may fit on a device where the checkpoint's do not.
        self.weights.switch(options.weights, options.int8_threshold, progress)
        if loaded.device.type != "cpu":
            progress("device")
            loaded.model.to(loaded.device)  # type: ignore[arg-type]
        self.attention = AttentionSwitch(loaded.model)
        self.adapters = AdapterSwitch(loaded.model, loaded.device, allow_pickle)
        self.attention.set("auto")
        progress("warm-up")
        self.kv_shape = self.probe()
        budget = KVBudget(self.kv_shape, loaded.context, loaded.device)
        blocks = budget.blocks(self.options)
        store = make_store("model", blocks, self.options.max_batch)
        self.runner = TransformersRunner(loaded, self.attention, blocks, store)
        self.core = EngineCore(self.runner, emit)
        self.kv = KVSwitch(self.kv_shape, budget, self.runner, self.core)
        self.compile = CompileSwitch(loaded, self.runner, emit)
        self._reported_mixed = False
        self._reported_attention: dict[str, str] = {}
        self._weighed: tuple[tuple[str, str, bool], int] = (("", "", False), 0)
        self._set_limits(self.options, progress)
        self.reseed(self.options)

    def apply(self, options: EngineOptions, progress: Progress) -> None:
        """Set what differs, toggle by toggle. Raises `EngineError` for one that cannot be set, once those already set
        are back where they were."""
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
        self.attention.allow_codes(self._codes_decoder is not None and not self._why_unpacked)
        if not self.core.busy and not self.attention.known:
            self.probe()

    def _go_back(self, done: EngineOptions) -> None:
        """Undo what was set; requests that lost precision in a coarser cache on the way are recomputed."""
        for name in changed_names(self.options, done):
            if (before := _with(done, self.options, name)) != done:
                self._set(name, before, no_progress)
                done = before
        self.kv.rebuild()

    def probe(self) -> KVShape:
        """Run the smallest prefill and decode to see which attention runs; returns the shape of a token's KV."""
        cache, device = DynamicCache(), self.loaded.device
        with torch.inference_mode(), self.attention.context():
            for phase, ids in (("prefill", [[0, 0]]), ("decode", [[0]])):
                with self.attention.watched_whole(phase):
                    self.loaded.model(input_ids=torch.tensor(ids, device=device), past_key_values=cache, use_cache=True)
        return kv_shape(cache)

    def effective(self) -> dict[str, str]:
        """The values really in use, spelled as toggles, with attention per phase."""
        blocks, origins = self.runner.blocks, self.kv.origins
        mixed = f" (from {', '.join(sorted(origins))})" if origins else ""
        self._reported_mixed, self._reported_attention = bool(origins), dict(self.attention.effective)
        return as_text(self.options) | {
            "device": str(self.loaded.device),
            "dtype": str(self.loaded.model.dtype).removeprefix("torch."),
            "weights": self.weights.kind,
            "adapter": self.adapters.name,
            "adapter_facts": self.adapters.facts,
            "kv_cache": self.options.kv_cache + mixed,
            "kv_blocks": str(blocks.count),
            "block_size": str(blocks.size),
            "compile": self.compile.state(),
            **self.attention.summary(),
        }

    def reasons(self) -> dict[str, str]:
        """Why effective differs from requested, by toggle."""
        unpacked = self._why_unpacked and f"decode unpacks the KV cache: {self._why_unpacked}"
        reasons = {"attention": self.attention.difference or unpacked, "dtype": self.loaded.why_dtype}
        if self.options.kv_blocks == "auto":
            reasons["kv_blocks"] = self.kv.auto_reason
        if self.kv.origins:
            reasons["kv_cache"] = "what a coarser cache lost does not come back; new requests lose none, rebuild mends"
        reasons |= {"compile": self.compile.reason, "weights": self.weights.reason}
        return {name: reason for name, reason in reasons.items() if reason}

    @property
    def unsettled(self) -> bool:
        """Whether a step may have changed what `effective` last returned."""
        attended = self._reported_attention != self.attention.effective
        return attended or self._reported_mixed != bool(self.kv.origins) or self.compile.unsettled

    def memory(self) -> Memory:
        """The current memory ledger."""
        core = self.core
        as_stored = self.options.weights == "model" and self.options.dtype == "auto" and not self.loaded.why_dtype
        return Memory(
            weights=self.weight_bytes,
            weights_predicted=self.loaded.checkpoint.weight_bytes if as_stored else None,
            kv_used=self.runner.kv_bytes(core.running),
            kv_reserved=self.kv.reserved_bytes,
            kv_tails=self.kv.tail_bytes,
            kv_peak=core.kv_peak,
            kv_transient=self.runner.cache.store.transient_bytes,
            **process_memory(),
            **device_memory(self.loaded.device),
        )

    @property
    def weight_bytes(self) -> int:
        """Bytes of all weights; counted once per switch, since there may be thousands of tensors."""
        state = self.weights.kind, self.adapters.path, self.options.compile
        if self._weighed[0] != state:
            self._weighed = state, self.weights.bytes + self.runner.packed_bytes
        return self._weighed[1]

    def reseed(self, options: EngineOptions) -> None:
        """Forget every cached prefix; new ones belong to these options."""
        self.runner.blocks.reseed(f"{options.weights} {options.int8_threshold} {options.kv_cache} {options.adapter}")

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
                self._set_limits(options, progress)
            case "prefix_cache":
                self._set_prefix_cache(options)
            case "compile":
                self.compile.set(options.compile, options.max_batch, progress)

    def _set_attention(self, options: EngineOptions) -> None:
        self.attention.set(options.attention)
        self.attention.try_varlen(self.runner.plain_decoder)

    def _set_weights(self, options: EngineOptions, progress: Progress) -> None:
        active = self.adapters.path
        if options.weights != self.weights.kind:
            self.adapters.switch("off", self.weights.kind, progress)
        try:
            self.weights.switch(options.weights, options.int8_threshold, progress)
        finally:
            if active != self.adapters.path:
                self.adapters.switch(active, self.weights.kind, no_progress)
            self.runner.refresh_layers()
        self.weights.set_threshold(options.int8_threshold)
        self.reseed(options)

    def _set_adapter(self, options: EngineOptions, progress: Progress) -> None:
        self.adapters.switch(options.adapter, self.weights.kind, progress)
        self.runner.rebuild_decoder()
        self.reseed(options)

    def _set_limits(self, options: EngineOptions, progress: Progress) -> None:
        self.core.limits = Limits.of(options)
        self.runner.cache.store.reserve(options.max_batch)
        if self.compile.decoder:
            self.compile.decoder.record(options.max_batch, progress)

    def _set_prefix_cache(self, options: EngineOptions) -> None:
        self.runner.blocks.prefix_cache = options.prefix_cache
        self.reseed(options)

    def _set_kv(self, options: EngineOptions, progress: Progress) -> None:
        kind = self.kv.kind
        self.kv.set(options, progress)
        if options.kv_cache != kind:
            self.attention.forget_observed()

    @property
    def _codes_decoder(self) -> CompiledDecoder | None:
        """The decoder that might attend over a quantized cache as it is stored."""
        return self.compile.decoder if self.options.kv_cache != "model" else None

    @property
    def _why_unpacked(self) -> str:
        """Why the fused codes kernel does not run; empty if it runs or none exists."""
        if self._codes_decoder is None:
            return ""
        reason = why_unpacked(self.options.kv_cache, self.kv_shape, self.loaded.device)
        return reason or self._codes_decoder.why_unpacked


def _with(base: EngineOptions, source: EngineOptions, name: str) -> EngineOptions:
    """`base` with one toggle from `source`. The KV toggles change together: their number of blocks may only fit in
    their dtype."""
    names = KV_TOGGLES if name in KV_TOGGLES else (name,)
    return with_changes(base, {each: getattr(source, each) for each in names})
