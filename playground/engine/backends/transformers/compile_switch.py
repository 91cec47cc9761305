"""The toggle compile on one loaded model."""

from __future__ import annotations

from playground.engine.backends.base import Emit, EngineError, Progress
from playground.engine.backends.transformers.compile.attention_trial import attends_as_stored
from playground.engine.backends.transformers.compile.compiled import CompiledDecoder
from playground.engine.backends.transformers.model import LoadedModel
from playground.engine.backends.transformers.runner import TransformersRunner
from playground.protocol.events import ModelLoading


class CompileSwitch:
    """Exchanges the decoder of a runner. What was compiled is kept, so that switching on again compiles nothing."""

    def __init__(self, loaded: LoadedModel, runner: TransformersRunner, emit: Emit) -> None:
        self._loaded, self._runner, self._emit = loaded, runner, emit
        self.compiled: CompiledDecoder | None = None  # kept while compile is off
        self._on = False
        self._reported = 0

    @property
    def decoder(self) -> CompiledDecoder | None:
        """The compiled decoder that runs; None while compile is off."""
        return self.compiled if self._on else None

    def set(self, on: bool, slots: int, progress: Progress) -> None:
        """Switch on or off; raises `EngineError` where this model cannot be compiled."""
        plain = self._runner.plain_decoder
        if not on:
            self._runner.decoder, self._on = plain, False
            if self.compiled:
                self.compiled.give_products_back()
            return
        if plain is None:
            raise self._impossible("does not run its layers in the common order")
        if self.compiled is None or self.compiled.decoder is not plain:
            if not attends_as_stored(plain, self._loaded.model.config, self._loaded.device):
                raise self._impossible("attends to other keys and values than its cache stores")
            compiled = CompiledDecoder(self._loaded.model, plain, self._loaded.device, self._report_recompile)
            compiled.warm_up((1, max(2, slots)), progress)
            self.compiled = compiled
        else:
            self.compiled.take_products(progress)
            self.compiled.record(slots, progress)
        self._runner.decoder, self._on = self.compiled, True

    def _impossible(self, why: str) -> EngineError:
        name = type(self._loaded.model).__name__
        return EngineError(f"compile=on is not possible: {name} {why}", "keep compile=off")

    def close(self) -> None:
        """Drop every compiled graph."""
        if self.compiled:
            self.compiled.close()

    @property
    def unsettled(self) -> bool:
        """Whether graphs were compiled since `state` was last called."""
        return self.decoder is not None and self.decoder.recompiled != self._reported

    def state(self) -> str:
        """The effective value, with the number of graphs that were compiled after the warm-up."""
        if self.decoder is None:
            return "off"
        self._reported = self.decoder.recompiled
        # Short, so that a panel has room for it: the reason says the rest.
        return f"on (+{self._reported} graph{'s' * (self._reported > 1)})" if self._reported else "on"

    @property
    def reason(self) -> str:
        """What was compiled, in how many seconds; empty while compile is off."""
        if self.decoder is None:
            return ""
        later = f" ({self.decoder.recompiled} recompiled in a step)" if self.decoder.recompiled else ""
        uncompiled = "" if self.decoder.takes_prompts else ", prompts and drafts run uncompiled"
        products = ", own bfloat16 products" if self.decoder.own_products else ""
        return f"{self.decoder.graphs} graphs{later}, warm-up {self.decoder.seconds:.1f} s{products}{uncompiled}"

    def _report_recompile(self) -> None:
        """Show that a step waits for the compiler; the `OptionsApplied` after the step ends this."""
        self._emit(ModelLoading(stage="warm-up", detail="a step needs a graph anew and waits for it"))
