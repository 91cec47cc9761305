"""A checkpoint to run on vLLM: checked once, then started once per set of options."""

from __future__ import annotations

import os
from time import perf_counter

import torch

from playground.engine.backends.base import EngineError, Progress
from playground.engine.backends.vllm.engine import Engine
from playground.engine.backends.vllm.faults import as_engine_error
from playground.engine.backends.vllm.pool import Pool, item_bytes, plan_pool
from playground.engine.backends.vllm.references import Verdict, digest
from playground.engine.backends.vllm.start import start
from playground.engine.backends.vllm.start_times import StartTimes
from playground.engine.backends.vllm.stored import stored_elements
from playground.engine.backends.vllm.support import platform, why_not_stored
from playground.engine.backends.vllm.verify import verify
from playground.engine.checkpoint.checkpoint import inspect
from playground.engine.checkpoint.config import context_of, read_config, read_tokenizer
from playground.engine.memory import available
from playground.engine.threads import is_small
from playground.protocol.commands import LoadModel
from playground.protocol.options import EngineOptions
from playground.text.sizes import format_bytes

THREADS = "OMP_NUM_THREADS"
# On a CPU vLLM later replaces the function with one that does nothing.
_set_threads, _all_threads = torch.set_num_threads, torch.get_num_threads()
_user_threads = os.environ.get(THREADS)


class VllmCheckpoint:
    """A checkpoint that passed its checks, and how to start vLLM on it; raises `EngineError` and `Cancelled`."""

    def __init__(self, command: LoadModel, progress: Progress) -> None:
        self.command, self.began = command, perf_counter()
        self._again = False
        self.files = inspect(command.model, command.trust_remote_code, command.allow_pickle, progress)
        progress("config")
        self.config = read_config(self.files, command.trust_remote_code)
        progress("tokenizer")
        self.tokenizer = read_tokenizer(self.files, self.config, command.trust_remote_code)
        quantization = self.files.config.get("quantization_config") or {}
        self.quantized = str(quantization.get("quant_method", ""))
        if reason := why_not_stored(quantization):
            raise EngineError(f"{self.files.name} cannot run here: {reason}", "take one in W8A8, or not quantized")
        self.elements = stored_elements(self.files.path)
        self._threads = self._count_threads()
        self.times = StartTimes(f"{digest(self.files)} {platform()} {command.tensor_parallel}")

    def kind(self, options: EngineOptions) -> str:
        """The kind of start, which decides how long it takes: the first of a process also loads code, and with
        `compile` on it also compiles."""
        return f"{'again' if self._again else 'first'} {'compiled' if options.compile else 'eager'}"

    def plan(self, options: EngineOptions, released: int = 0) -> Pool:
        """The KV pool for these options, with `released` bytes free on top of what is free now; raises `EngineError`
        where it or the weights do not fit."""
        free = (available(torch.device("cpu" if platform() == "cpu" else "cuda:0")) or 0) + released
        weights = self._weights_bytes(options)
        if weights > free:
            message = f"the weights need {format_bytes(weights)} and {format_bytes(free)} are free"
            raise EngineError(message, "choose a smaller checkpoint")
        return plan_pool(self.config, options, free, weights, platform() == "cpu")

    def _weights_bytes(self, options: EngineOptions) -> int:
        """Least bytes of the weights on one device: quantized ones as stored, others in the requested dtype."""
        whole = self.files.weight_bytes
        if not self.quantized:
            whole = self.elements * (1 if options.weights == "fp8" else item_bytes(self.config, options))
        return whole if platform() == "cpu" else whole // self.command.tensor_parallel

    def start(self, options: EngineOptions, progress: Progress) -> tuple[Engine, Verdict]:
        """Start vLLM, time it, and compare its first answers with the reference."""
        began, kind = perf_counter(), self.kind(options)
        self._share_threads()
        pool = self.plan(options)
        context, expected = context_of(self.config), self.times.expected(kind)
        engine = start(self.command, self.files, options, self.tokenizer, context, pool, progress, expected)
        _set_threads(self._threads)  # vLLM's drafting has set its own
        try:
            progress("warm-up", detail="comparing a few answers with the reference")
            verdict = verify(engine, self.files, options)
        except Exception as error:
            engine.stop()
            raise as_engine_error(error, self.files.name, options) from error
        self.times.add(kind, perf_counter() - began)
        self._again = True
        return engine, verdict

    def _count_threads(self) -> int:
        """Threads of each rank: ranks that each took all cores would wait for each other's threads."""
        if platform() != "cpu" or _user_threads:
            return _all_threads
        return 1 if is_small(self.elements) else max(1, _all_threads // self.command.tensor_parallel)

    def _share_threads(self) -> None:
        """Set the threads here and, for ranks in other processes, in the environment."""
        _set_threads(self._threads)
        if platform() == "cpu" and not _user_threads:
            os.environ[THREADS] = str(self._threads)
