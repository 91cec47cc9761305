"""The transformers engine: commands to the loop, faults in plain words."""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from time import perf_counter
from typing import ClassVar

import torch

from playground.engine.backends.base import Emit, EngineError, Progress, no_progress, require_loaded
from playground.engine.backends.transformers.announce import Announcer
from playground.engine.backends.transformers.check.check import check
from playground.engine.backends.transformers.facts import facts
from playground.engine.backends.transformers.live import LiveEngine
from playground.engine.backends.transformers.measure.attention import measure
from playground.engine.backends.transformers.measure.outliers import measure_outliers
from playground.engine.backends.transformers.model import load
from playground.engine.backends.transformers.scoring import Scorer
from playground.engine.backends.transformers.support import CONFLICTS, why_not
from playground.engine.block_map import block_map
from playground.engine.capabilities import missing_package, refuse_conflict, refuse_impossible, report
from playground.engine.checkpoint.checkpoint import inspect
from playground.engine.memory import give_back, keep_freed
from playground.engine.memory_fault import describe, explain_memory_faults, is_memory_fault
from playground.protocol.capabilities import Capabilities
from playground.protocol.commands import (
    Abort,
    CheckModel,
    Command,
    GenerationRequest,
    LoadModel,
    MeasureAttention,
    MeasureOutliers,
    Score,
    SetOptions,
    Submit,
    Tokenize,
)
from playground.protocol.events import MemoryMeasured, ModelLoaded, OutliersMeasured, Tokenized
from playground.protocol.options import TOGGLES, EngineOptions, changed_names, format_value, with_changes

MEMORY_EVERY_S = 0.5


class TransformersBackend:
    """See `engine.backends.base.Backend`."""

    gather_s: ClassVar = 0.0
    cannot: ClassVar[dict[type[Command], str]] = {}

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._live: LiveEngine | None = None
        self._command: LoadModel | None = None
        self._scorer = Scorer()
        self._announcer = Announcer(emit)
        self._measured = 0.0

    def capabilities(self) -> Capabilities:
        """What can be done here, with the loaded model or before one is loaded."""
        versions = {
            name: version(name) for name in ("torch", "transformers", "bitsandbytes") if not missing_package(name)
        }
        devices = ["cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
        toggles, conflicts = report(self._why_not), list(CONFLICTS)
        return Capabilities(
            engine="transformers", devices=devices, toggles=toggles, versions=versions, conflicts=conflicts
        )

    def load(self, command: LoadModel, progress: Progress) -> None:
        """Check the files, load, warm up, set the requested options."""
        refuse_conflict(command.options, CONFLICTS)
        self._drop_model()
        keep_freed()
        started = perf_counter()
        progress("checking")
        refuse_impossible(command.options, self._why_not)
        checkpoint = inspect(command.model, command.trust_remote_code, command.allow_pickle, progress)
        advice = "close other programs or choose a smaller checkpoint"
        with explain_memory_faults(f"loading {checkpoint.name}", torch.device("cpu"), advice):
            loaded = load(checkpoint, command.options, command.trust_remote_code, progress)
            live = LiveEngine(loaded, command.options, self._emit, progress, command.allow_pickle)
            refuse_impossible(command.options, partial(why_not, attention=live.attention, weights=live.weights))
            live.apply(command.options, progress)
        self._live, self._command = live, command
        give_back(loaded.device)
        live.core.loaded_at = perf_counter()
        live.loaded.seconds["total"] = live.core.loaded_at - started
        self._emit(ModelLoaded(facts=facts(live), capabilities=self.capabilities()))
        self._announcer.announce(live, [], None, started)

    def unload(self) -> None:
        """Drop every reference; what PyTorch keeps is freed with the process."""
        self._scorer.forget()
        self._drop_model()

    def _drop_model(self) -> None:
        """Unload the model but keep logits of `Score`, so that two models that share a vocabulary can be compared."""
        if self._live:
            self._live.core.fail("the model was unloaded")
            self._live.compile.close()
        self._live = self._command = None
        gc.collect()
        give_back(torch.device("cpu"))
        if torch.cuda.is_initialized():  # by a load that failed half way, too
            give_back(torch.device("cuda"))

    def set_options(self, command: SetOptions, progress: Progress) -> None:
        """Change toggles between two steps; device and dtype reload the model, and requests continue afterwards."""
        started, before, device = perf_counter(), self._engine.memory(), self._engine.loaded.device
        options = with_changes(self._engine.options, command.changes)
        refuse_conflict(options, CONFLICTS)
        refuse_impossible(options, self._why_not)
        changed = changed_names(self._engine.options, options)
        wanted = ", ".join(f"{name}={format_value(getattr(options, name))}" for name in changed)
        try:
            with explain_memory_faults(wanted, device, "the toggle is back where it was"):
                if {"device", "dtype"} & set(changed):
                    self._reload(options, progress)
                else:
                    self._engine.apply(options, progress)
        finally:
            if any(TOGGLES[name].cost != "instant" for name in changed):
                give_back(device)
        if command.rebuild:
            self._engine.kv.rebuild()
        self._announcer.announce(self._engine, changed, before, started)

    def submit(self, command: Submit, received: float) -> None:
        """See `EngineCore.submit`."""
        for request in command.requests:
            self._engine.core.submit(request, received)

    def abort(self, command: Abort) -> None:
        """See `EngineCore.abort`."""
        if self._live:
            self._live.core.abort(command.request_id)
            self._announcer.settle(self._live)
            self._emit(MemoryMeasured(memory=self._live.memory()))

    def fail(self, message: str) -> None:
        """See `EngineCore.fail`."""
        if self._live:
            self._live.core.fail(message)

    def reset_prefix_cache(self) -> None:
        """See `BlockManager.reseed`."""
        self._engine.reseed(self._engine.options)

    def tokenize(self, command: Tokenize) -> None:
        """See `Tokenizer.ids`."""
        tokenizer = self._engine.loaded.tokenizer
        ids = tokenizer.chat_ids if command.chat else tokenizer.ids
        self._emit(Tokenized(key=command.key, token_ids=[ids(text) for text in command.texts]))

    def score(self, command: Score, check: Callable[[], None]) -> None:
        """See `Scorer.score`."""
        self._emit(self._scorer.score(command, self._engine, check))

    def map_blocks(self) -> None:
        """See `engine.block_map`."""
        self._emit(block_map(self._engine.core))

    def measure_attention(self, command: MeasureAttention, check: Callable[[], None]) -> None:
        """See `measure.attention.measure`. Raises `EngineError` while requests run: they would wait, and disturb it."""
        live = self._engine
        if live.core.busy:
            raise EngineError("requests are running, and would disturb the measurement", "wait, or stop them")
        try:
            with explain_memory_faults("measuring attention", live.loaded.device, "take shorter lengths"):
                measure(command, live.loaded.model, live.loaded.device, self._emit, check)
        finally:
            give_back(live.loaded.device)  # or the ledger would show it until the next switch

    def measure_outliers(self, command: MeasureOutliers) -> None:
        """See `measure.outliers.measure_outliers`."""
        live = self._engine
        prompt = GenerationRequest(request_id="outliers", prompt=command.prompt)
        ids = live.runner.encode(prompt)[: live.loaded.context]
        with explain_memory_faults("looking for outliers", live.loaded.device, "take a shorter prompt"):
            layers = measure_outliers(live.loaded.model, ids, command.columns)
        threshold, weights = live.options.int8_threshold, live.weights.kind
        self._emit(OutliersMeasured(tokens=len(ids), threshold=threshold, weights=weights, layers=layers))

    def check_model(self, command: CheckModel, progress: Progress) -> None:
        """See `check.check`. Raises `EngineError` while requests run: it reads whole files, and they would wait."""
        if self.busy:
            raise EngineError("requests are running, and would be held up", "wait, or stop them")
        self._emit(check(command, progress))

    @property
    def busy(self) -> bool:
        """See `Backend`."""
        return self._live is not None and self._live.core.busy

    @property
    def step_index(self) -> int:
        """See `Backend`."""
        return self._engine.core.step_index

    @property
    def next_arrival(self) -> float | None:
        """See `Backend`."""
        return self._live.core.next_arrival if self._live else None

    def step(self) -> None:
        """Do one step; announce what it changed of the effective options, and memory twice a second and when idle."""
        live = self._engine
        try:
            live.core.step()
        except Exception as error:
            if not is_memory_fault(error):
                live.core.fail(f"the engine failed in a step: {str(error) or type(error).__name__}")
                raise
            what = describe(error, live.loaded.device)
            live.core.fail(f"out of memory in a step: {what}; lower kv_blocks, slots or max tokens")
        self._announcer.settle(live)
        if not live.core.busy or perf_counter() - self._measured > MEMORY_EVERY_S:
            self._measured = perf_counter()
            self._emit(MemoryMeasured(memory=live.memory()))

    @property
    def _engine(self) -> LiveEngine:
        return require_loaded(self._live)

    def _reload(self, options: EngineOptions, progress: Progress) -> None:
        """Load the same checkpoint again; requests keep their tokens and are recomputed."""
        assert self._command is not None
        old = self._engine
        loaded = load(old.loaded.checkpoint, options, self._command.trust_remote_code, progress)
        live = LiveEngine(loaded, options, self._emit, progress, self._command.allow_pickle)
        live.apply(options, progress)
        live.core.adopt(old.core)
        if not live.compile.compiled:
            old.compile.close()
        device, self._live = old.loaded.device, live
        del old
        gc.collect()
        give_back(device)
        live.kv.set(live.options, no_progress)  # `auto` may take what the former model held
        self._emit(ModelLoaded(facts=facts(live), capabilities=self.capabilities()))

    def _why_not(self, name: str, value: str) -> str:
        live = self._live
        return why_not(name, value, live.attention if live else None, live.weights if live else None)
