"""A checkpoint on vLLM: its engine, its requests, and the restarts that its toggles need."""

from __future__ import annotations

import os
from time import perf_counter

import torch

from playground.engine.backends.base import Emit, EngineError, Progress
from playground.engine.backends.vllm.block_map import block_map
from playground.engine.backends.vllm.engine import Engine, device_name, start
from playground.engine.backends.vllm.faults import in_words
from playground.engine.backends.vllm.loop import VllmLoop
from playground.engine.backends.vllm.pool import Pool, item_bytes, plan_pool
from playground.engine.backends.vllm.references import Verdict, digest
from playground.engine.backends.vllm.start_times import StartTimes
from playground.engine.backends.vllm.stored import stored_elements
from playground.engine.backends.vllm.support import platform, why_not_stored
from playground.engine.backends.vllm.verify import verify
from playground.engine.checkpoint.checkpoint import inspect
from playground.engine.checkpoint.config import context_of, head_dim, read_config, read_tokenizer
from playground.engine.memory import available, format_bytes, process_memory
from playground.engine.threads import is_small
from playground.protocol.commands import LoadModel
from playground.protocol.events import BlocksMapped, ModelFacts
from playground.protocol.metrics import Memory
from playground.protocol.options import EngineOptions

THREADS = "OMP_NUM_THREADS"
# On a CPU vLLM puts a function that does nothing in its place.
_set_threads, _all_threads = torch.set_num_threads, torch.get_num_threads()
_asked_threads = os.environ.get(THREADS)


class Opened:
    """A checkpoint that was looked at, and how to start vLLM on it; raises `EngineError` and `Cancelled`."""

    def __init__(self, command: LoadModel, progress: Progress) -> None:
        self.command, self.began = command, perf_counter()
        self._again = False
        self.checkpoint = inspect(command.model, command.trust_remote_code, command.allow_pickle, progress)
        progress("config")
        self.config = read_config(self.checkpoint, command.trust_remote_code)
        progress("tokenizer")
        self.tokenizer = read_tokenizer(self.checkpoint, self.config, command.trust_remote_code)
        quantization = self.checkpoint.config.get("quantization_config") or {}
        self.quantized = str(quantization.get("quant_method", ""))
        if reason := why_not_stored(quantization):
            raise EngineError(f"{self.checkpoint.name} cannot run here: {reason}", "take one in W8A8, or not quantized")
        self.elements = stored_elements(self.checkpoint.path)
        self._threads = self._count_threads()
        self.times = StartTimes(f"{digest(self.checkpoint)} {platform()} {command.tensor_parallel}")

    def kind(self, options: EngineOptions) -> str:
        """Starts that take about equally long: the first of a process also loads code, a compiled one compiles."""
        return f"{'again' if self._again else 'first'} {'compiled' if options.compile else 'eager'}"

    def plan(self, options: EngineOptions, released: int = 0) -> Pool:
        """The pool that these options want, where `released` bytes are free besides; raises `EngineError` where that
        or the weights do not fit."""
        free = (available(torch.device("cpu" if platform() == "cpu" else "cuda:0")) or 0) + released
        weights = self._weights_bytes(options)
        if weights > free:
            message = f"the weights need {format_bytes(weights)} and {format_bytes(free)} are free"
            raise EngineError(message, "choose a smaller checkpoint")
        return plan_pool(self.config, options, free, weights, platform() == "cpu")

    def _weights_bytes(self, options: EngineOptions) -> int:
        """Least bytes on the device: quantized weights as they are stored, others in the dtype that is asked for."""
        whole = self.checkpoint.weight_bytes
        if not self.quantized:
            whole = self.elements * (1 if options.weights == "fp8" else item_bytes(self.config, options))
        return whole if platform() == "cpu" else whole // self.command.tensor_parallel

    def start(self, options: EngineOptions, progress: Progress) -> tuple[Engine, Verdict]:
        """One start of vLLM, timed and checked."""
        began, kind = perf_counter(), self.kind(options)
        self._share_threads()
        pool = self.plan(options)
        context, expected = context_of(self.config), self.times.expected(kind)
        engine = start(self.command, self.checkpoint, options, self.tokenizer, context, pool, progress, expected)
        _set_threads(self._threads)  # drafting sets its own
        try:
            progress("warm-up", detail="comparing a few answers with the reference")
            verdict = verify(engine, self.checkpoint, options)
        except Exception as error:
            engine.stop()
            raise in_words(error, self.checkpoint.name, options) from error
        self.times.add(kind, perf_counter() - began)
        self._again = True
        return engine, verdict

    def _count_threads(self) -> int:
        """Threads of each process that computes: two ranks that each take all cores wait for each other's threads."""
        if platform() != "cpu" or _asked_threads:
            return _all_threads
        return 1 if is_small(self.elements) else max(1, _all_threads // self.command.tensor_parallel)

    def _share_threads(self) -> None:
        """Ranks in processes of their own read it from the environment."""
        _set_threads(self._threads)
        if platform() == "cpu" and not _asked_threads:
            os.environ[THREADS] = str(self._threads)

    def started(self, options: EngineOptions, progress: Progress, emit: Emit) -> Live:
        """The first start."""
        return Live(self, options, *self.start(options, progress), emit)


class Live:
    """`options` as they are asked for; those that vLLM was started with stand in `engine.options`."""

    def __init__(self, opened: Opened, options: EngineOptions, engine: Engine, verdict: Verdict, emit: Emit) -> None:
        self.opened, self.options, self.engine, self.verdict = opened, options, engine, verdict
        self.loop = VllmLoop(engine, emit)
        engine.seconds["total"] = self.loop.loaded_at - opened.began

    @property
    def price(self) -> float | None:
        """Seconds of a restart on this machine."""
        return self.opened.times.expected(self.opened.kind(self.options))

    def limit(self, options: EngineOptions) -> None:
        """Slots and budget, from the next step on."""
        self.engine.limit(options)
        self.options = options

    def check_room(self, options: EngineOptions) -> None:
        """Raises `EngineError` before anything is stopped, where a restart with these options could not fit."""
        self.opened.plan(options, released=self.bytes)

    def restart(self, options: EngineOptions, progress: Progress) -> None:
        """vLLM anew with other options. Requests go on with what they have produced, or end: the user's setting."""
        if self.engine.llm is not None:
            progress("checking", detail="ending vLLM as it was")
            self.engine.stop()
        if self.opened.command.in_flight == "end":
            self.loop.lose("ended: vLLM starts anew for a toggle (in_flight is set to end)")
        self.engine, self.verdict = self.opened.start(options, progress)
        self.options = options
        self.loop.adopt(self.engine)

    def effective(self) -> dict[str, str]:
        """See `Engine.effective`; the card as the user counts; and whether the first answers are this checkpoint's."""
        effective = self.engine.effective(self.options)
        return effective | {
            "device": device_name(effective["device"], self.opened.command.options.device),
            "verified": self.verdict.word,
            "verified_facts": str(self.verdict),
        }

    def reasons(self) -> dict[str, str]:
        """Why effective differs from requested, and what the pool holds."""
        pool = self.engine.pool
        capacity = f"{pool.tokens} tokens in {format_bytes(pool.count * pool.block_bytes)}, reserved at the start"
        reasons = {"kv_blocks": f"{capacity}; a switch of dtype changes how many tokens fit, not the bytes"}
        whose = "the checkpoint brings" if self.opened.quantized else "vLLM calls it"
        said = [f"{whose} {self.engine.quantized}"] if self.engine.quantized else []
        if self._counted is not None:
            said.append("their bytes are counted from the checkpoint: vLLM packs them for the CPU")
        if said:
            reasons["weights"] = "; ".join(said)
        if self.options.attention == "auto":
            reasons["attention"] = "vLLM's choice for this device"
        over = len(self.engine.scheduler.running) - self.options.max_batch
        if over > 0:
            reasons["max_batch"] = f"vLLM takes no slot away: {over} more run to their end"
        return reasons

    def memory(self) -> Memory:
        """The pool reserved against what requests use of it, and the process."""
        pool, predicted = self.engine.pool, self.opened.checkpoint.weight_bytes
        return Memory(
            weights=self.weights_bytes,
            weights_predicted=predicted if self.options.dtype == "auto" and self.options.weights == "model" else None,
            kv_used=self.engine.scheduler.count_blocks().used * pool.block_bytes,
            kv_reserved=self._pool_bytes,
            kv_peak=self.loop.kv_peak,
            **process_memory(),
        )

    @property
    def bytes(self) -> int:
        """What is free once it has ended: weights and pool."""
        return self.weights_bytes + self._pool_bytes

    @property
    def _pool_bytes(self) -> int:
        return self.engine.pool.count * self.engine.pool.block_bytes

    @property
    def weights_bytes(self) -> int:
        """Bytes of the weights, from the tensors, or from the checkpoint where no tensor shows them."""
        counted = self._counted
        return self.engine.weights_bytes if counted is None else counted

    @property
    def _counted(self) -> int | None:
        """On a CPU vLLM packs weights, plain ones and those of a quantized checkpoint, into memory that no tensor
        shows. None elsewhere, and where vLLM quantized them itself."""
        if platform() != "cpu" or (self.engine.quantized and not self.opened.quantized):
            return None
        if self.opened.quantized:
            return self.opened.checkpoint.weight_bytes
        return self.opened.elements * int(self.engine.llm.vllm_config.model_config.dtype.itemsize)

    def block_map(self) -> BlocksMapped:
        """See `block_map`."""
        return block_map(self.loop)

    def facts(self) -> ModelFacts:
        """What is known of the loaded model; counts are those of the tensors on all ranks."""
        engine, checkpoint, text = self.engine, self.opened.checkpoint, self.opened.config.get_text_config()
        effective = self.effective()
        table = text.vocab_size * text.hidden_size
        return ModelFacts(
            name=checkpoint.name,
            path=str(checkpoint.path),
            architecture=engine.facts[0]["architecture"],
            parameters=self.opened.elements,
            weights_bytes=self.weights_bytes,
            dtype=effective["dtype"],
            device=effective["device"],
            device_uuid=engine.facts[0]["device_uuid"],
            layers=text.num_hidden_layers,
            vocabulary=text.vocab_size,
            context=engine.context,
            kv_bytes_per_token=engine.pool.block_bytes // engine.pool.size,
            heads=text.num_attention_heads,
            head_dim=head_dim(text),
            embedding_parameters=0 if getattr(text, "tie_word_embeddings", False) else table,
            output_parameters=table,
            has_chat_template=self.opened.tokenizer.has_chat_template,
            note=str(checkpoint.config.get("note", "")),
            load_seconds=engine.seconds,
            threads=torch.get_num_threads(),
        )
