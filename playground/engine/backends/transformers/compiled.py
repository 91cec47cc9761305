"""The decode step compiled by inductor, with CUDA graphs on a GPU; prefill stays as it is.

Two graphs serve every step: one for a lone row, one for any number of rows.
"""

from __future__ import annotations

import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn
from transformers import Cache, DynamicCache, PreTrainedModel

from playground.engine.backends.base import Cancelled, EngineError, Progress
from playground.engine.backends.transformers.attend_op import COMPILED, Call, NewStates, begin, end
from playground.engine.backends.transformers.decoder import Decode
from playground.engine.backends.transformers.varlen import Ragged

POLL_S = 0.25
COMPILERS = ("g++", "clang++", "gcc", "clang")


class CompiledDecoder:
    """See `Decode`. `graphs`: how many were compiled, `seconds`: what that took, `recompiled`: those after the
    warm-up, each of which holds a step up: `anew` is called before."""

    def __init__(self, model: PreTrainedModel, decoder: Decode, device: torch.device, anew: Callable[[], None]) -> None:
        self.decoder, self._device, self._config, self._anew = decoder, device, model.config, anew
        attentions = (module for module in model.modules() if type(module).__name__.endswith("Attention"))
        self._modules: dict[int, nn.Module] = {module.layer_idx: module for module in attentions}
        self._states = NewStates()
        self.graphs = self.recompiled = 0
        self.seconds = 0.0
        self._warm = False
        self._graph = torch.compile(self._run, backend=self._backend, fullgraph=True)

    def __call__(
        self, ids: Tensor, positions: Tensor, mask: Tensor | Ragged | None, cache: Cache, keep: int = 1
    ) -> Tensor:
        """Logits [B, 1, V] of ids, positions [B, 1]: one token a row, and so one to keep."""
        kernel, before = self._config._attn_implementation, self.graphs
        if len(ids) > 1:
            torch._dynamo.mark_dynamic(ids, 0)
            torch._dynamo.mark_dynamic(positions, 0)
        begin(Call(cache, mask, kernel, self._modules))
        self._config._attn_implementation = COMPILED
        try:
            logits: Tensor = self._graph(ids, positions)
        finally:
            self._config._attn_implementation = kernel
            end()
        self.recompiled += self.graphs - before
        return logits

    def warm_up(self, rows: Sequence[int], progress: Progress) -> None:
        """Compile for these numbers of rows. Raises `EngineError` where the model cannot be compiled; a cancel ends it
        at once."""
        start = perf_counter()
        for done, count in enumerate(rows):
            detail = f"compiling the step of {'one row' if count == 1 else 'several rows'}"
            with _watched(progress, done, len(rows), detail), torch.inference_mode():
                ids = torch.zeros(count, 1, dtype=torch.long, device=self._device)
                self(ids, torch.zeros_like(ids), None, DynamicCache())
        progress("warm-up", len(rows), len(rows))
        self.seconds, self.recompiled, self._warm = perf_counter() - start, 0, True

    def close(self) -> None:
        """Let every graph go."""
        torch._dynamo.reset()

    def _run(self, ids: Tensor, positions: Tensor) -> Tensor:
        return self.decoder(ids, positions, None, self._states)

    def _backend(self, graph: torch.fx.GraphModule, inputs: list[Any]) -> Any:
        from torch._inductor.compile_fx import compile_fx  # seconds of import that only this toggle needs

        self.graphs += 1
        if self._warm:
            self._anew()
        # On a CPU what is read twice is kept: each layer would else add up all before it in a kernel of its own.
        chosen = {"triton.cudagraphs": True} if self._device.type == "cuda" else {"realize_reads_threshold": 1}
        # One compiling process: helpers would stay, each with hundreds of megabytes.
        return compile_fx(graph, inputs, config_patches={"compile_threads": 1, **chosen})


def why_not_compiled(device: torch.device) -> str:
    """The reason that nothing can be compiled on this machine; empty if it can."""
    if device.type == "cpu" and not any(shutil.which(name) for name in COMPILERS):
        return "it needs a C++ compiler: install g++"
    return ""


@contextmanager
def _watched(progress: Progress, done: int, total: int, detail: str) -> Iterator[None]:
    """Progress is told, and a cancel heard, while the compiler runs: only a timer's signal gets in between."""

    def poll(number: int = 0, frame: FrameType | None = None) -> None:
        progress("warm-up", done, total, detail)

    def heard(number: int, frame: FrameType | None) -> None:
        try:
            poll()
        except Cancelled as cancel:
            cancelled.append(cancel)
            raise

    cancelled: list[Cancelled] = []
    poll()
    timed = threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer")
    before = signal.signal(signal.SIGALRM, heard) if timed else None
    try:
        if timed:
            signal.setitimer(signal.ITIMER_REAL, POLL_S, POLL_S)
        yield
    except Exception as error:
        torch._dynamo.reset()
        if cancelled:
            raise cancelled[0] from None
        line = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise EngineError(f"compile=on is not possible: {line[:200]}", "keep compile=off") from error
    finally:
        if timed:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
