"""The scripted engine: the real loop around written answers."""

from __future__ import annotations

from time import perf_counter
from typing import ClassVar

from playground.engine.backends.base import Emit, EngineError, Progress, require_loaded
from playground.engine.backends.scripted.answers import read_answers
from playground.engine.backends.scripted.runner import BLOCK_SIZE, BLOCKS, CONTEXT, KV_BYTES_PER_TOKEN, ScriptedRunner
from playground.engine.backends.scripted.support import LIVE, REASON, capabilities
from playground.engine.block_map import block_map
from playground.engine.core import EngineCore
from playground.engine.scheduler import Limits
from playground.protocol.capabilities import Capabilities
from playground.protocol.commands import (
    Abort,
    CheckModel,
    LoadModel,
    MeasureAttention,
    MeasureOutliers,
    Score,
    SetOptions,
    Submit,
    Tokenize,
)
from playground.protocol.events import ModelLoaded, OptionsApplied
from playground.protocol.metrics import Memory
from playground.protocol.model_facts import ModelFacts
from playground.protocol.options import EngineOptions, as_text, with_changes


class ScriptedBackend:
    """See `engine.backends.base.Backend`. A model is the path of a recording, or any name for the built-in answer."""

    gather_s: ClassVar = 0.0
    cannot: ClassVar = {
        Tokenize: "the scripted engine has no tokenizer",
        Score: "the scripted engine has no model that could score",
        MeasureAttention: "the scripted engine has no attention to measure",
        MeasureOutliers: "the scripted engine has no layers to look into",
        CheckModel: "the scripted engine has no checkpoint to check",
    }

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._options = EngineOptions()
        self._core: EngineCore | None = None

    def capabilities(self) -> Capabilities:
        """What can be done here, the same with every script."""
        return capabilities()

    def load(self, command: LoadModel, progress: Progress) -> None:
        """Read the answers."""
        self.unload()
        for stage in ("checking", "tokenizer", "weights"):
            progress(stage)
        self._core = EngineCore(ScriptedRunner(read_answers(command.model)), self._emit)
        facts = ModelFacts(
            name="scripted",
            path=command.model,
            architecture="none",
            parameters=0,
            weights_bytes=0,
            dtype="none",
            device="cpu",
            layers=0,
            vocabulary=0,
            context=CONTEXT,
            kv_bytes_per_token=KV_BYTES_PER_TOKEN,
            has_chat_template=True,
            note="written answers, no model",
        )
        self._emit(ModelLoaded(facts=facts, capabilities=capabilities()))
        self._apply(command.options, [])

    def unload(self) -> None:
        """Forget the answers."""
        if self._core:
            self._core.fail("the model was unloaded")
        self._core = None

    def set_options(self, command: SetOptions, progress: Progress) -> None:
        """Change toggles of the loop; the others raise `EngineError`."""
        for name in command.changes:
            if name not in LIVE:
                raise EngineError(f"{name} cannot change: {REASON}")
        self._apply(with_changes(self._options, command.changes), list(command.changes))

    def submit(self, command: Submit, received: float) -> None:
        """See `EngineCore.submit`."""
        for request in command.requests:
            self._loaded.submit(request, received)

    def abort(self, command: Abort) -> None:
        """See `EngineCore.abort`."""
        if self._core:
            self._core.abort(command.request_id)

    def fail(self, message: str) -> None:
        """See `EngineCore.fail`."""
        if self._core:
            self._core.fail(message)

    def reset_prefix_cache(self) -> None:
        """See `BlockManager.reseed`."""
        self._loaded.runner.blocks.reseed("")

    def map_blocks(self) -> None:
        """See `engine.block_map`."""
        self._emit(block_map(self._loaded))

    @property
    def busy(self) -> bool:
        """See `Backend`."""
        return self._core is not None and self._core.busy

    @property
    def step_index(self) -> int:
        """See `Backend`."""
        return self._loaded.step_index

    @property
    def next_arrival(self) -> float | None:
        """See `Backend`."""
        return self._core.next_arrival if self._core else None

    def step(self) -> None:
        """See `EngineCore.step`."""
        self._loaded.step()

    @property
    def _loaded(self) -> EngineCore:
        return require_loaded(self._core, "script")

    def _apply(self, options: EngineOptions, changed: list[str]) -> None:
        started = perf_counter()
        self._options, core = options, self._loaded
        core.limits = Limits.of(options)
        core.runner.blocks.prefix_cache = options.prefix_cache
        attention = "eager" if options.attention == "eager" else "sdpa-flash"
        effective = as_text(options) | {
            "attention": attention,
            "attention_prefill": attention,
            "attention_decode": attention,
        }
        memory = Memory(
            kv_used=core.runner.kv_bytes(core.running), kv_reserved=BLOCKS * BLOCK_SIZE * KV_BYTES_PER_TOKEN
        )
        self._emit(
            OptionsApplied(
                changed=changed,
                requested=options,
                effective=effective,
                cost="cache" if "kv_cache" in changed else "instant",
                seconds=perf_counter() - started,
                step=core.step_index,
                before=memory,
                after=memory,
            )
        )
