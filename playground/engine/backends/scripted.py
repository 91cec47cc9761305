"""An engine without a model: the real loop, scheduler, blocks and timers around answers that are written down.

The answers come from a recording (`.jsonl`) where one is named as the model, else from a short text of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from time import perf_counter, sleep
from typing import ClassVar

import msgspec

from playground.engine.admission import Refused
from playground.engine.backends.base import Emit, EngineError, Progress
from playground.engine.block_map import block_map
from playground.engine.blocks import BlockManager
from playground.engine.core import EngineCore
from playground.engine.detokenizer import Piece
from playground.engine.request import Request
from playground.engine.scheduler import Limits, Work
from playground.protocol.capabilities import Capabilities, Effects, ToggleSupport, ValueSupport
from playground.protocol.commands import (
    Abort,
    CheckModel,
    GenerationRequest,
    LoadModel,
    MeasureAttention,
    MeasureOutliers,
    Score,
    SetOptions,
    Submit,
    Tokenize,
)
from playground.protocol.events import ModelFacts, ModelLoaded, OptionsApplied, TokensGenerated
from playground.protocol.metrics import Memory
from playground.protocol.options import EngineOptions, as_text, with_changes
from playground.protocol.wire import decode_event

ANSWER = """def add_numbers(a, b):
    \"\"\"Return the sum of two numbers.\"\"\"
    return a + b
"""
STEP_S, PREFILL_TOKEN_S = 0.004, 0.0002
BLOCKS, KV_BYTES_PER_TOKEN, CONTEXT = 256, 4096, 4096
LIVE = ("batching", "max_batch", "token_budget", "prefix_cache", "attention", "kv_cache")
REASON = "the scripted engine has no model to change"


class ScriptedRunner:
    """Hands out the words of the next answer, at a fixed pace."""

    def __init__(self, answers: Sequence[Sequence[str]]) -> None:
        self.blocks = BlockManager(BLOCKS, 32)
        self.context, self.splits_at_blocks = CONTEXT, False
        self._answers = cycle(answers)
        self._scripts: dict[str, list[str]] = {}
        self._vocabulary: list[str] = [""]

    def encode(self, request: GenerationRequest) -> list[int]:
        """One id per word."""
        texts = [message.content for message in request.messages or ()]
        text = request.prompt if request.prompt is not None else " ".join(texts)
        if request.prompt_token_ids is None and not text.strip():
            raise Refused("the prompt is empty; type something first")
        ids = request.prompt_token_ids or [self._id(word) for word in re.findall(r"\s*\S+", text)]
        self._scripts[request.request_id] = list(next(self._answers))
        return ids

    def detokenizer(self, prompt_ids: list[int]) -> Piece:
        """Words stand for themselves."""
        return self._vocabulary.__getitem__

    def is_end(self, token_id: int) -> bool:
        """Id 0 ends an answer."""
        return token_id == 0

    def run(self, works: Sequence[Work], held: Sequence[Request]) -> list[list[int]]:
        """Takes the time that a step of this shape is said to take."""
        sleep(STEP_S + PREFILL_TOKEN_S * sum(work.tokens for work in works if not work.decode))
        return [[self._next(work.request)] if work.tokens == work.request.remaining else [] for work in works]

    def forget(self, request: Request) -> None:
        """Nothing is stored."""

    def kv_bytes(self, running: Sequence[Request]) -> int:
        """As if a model of this shape ran."""
        return self.blocks.used * self.blocks.size * KV_BYTES_PER_TOKEN

    def _next(self, request: Request) -> int:
        script = self._scripts[request.request_id]
        at = len(request.output_ids)
        return self._id(script[at]) if at < len(script) else 0

    def _id(self, word: str) -> int:
        if word not in self._vocabulary:
            self._vocabulary.append(word)
        return self._vocabulary.index(word)


class ScriptedBackend:
    """See `engine.backends.base.Backend`."""

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
        """The toggles of the loop itself; nothing that needs a model."""
        effects = {"static": Effects(tps=-2, ttft=2), "int8": Effects(memory=-1, tps=-1)}
        offered = {
            "batching": ("continuous", "static"),
            "prefix_cache": ("on", "off"),
            "attention": ("auto", "eager", "sdpa-flash"),
            "kv_cache": ("model", "int8"),
        }
        toggles = [
            ToggleSupport(
                name=name,
                cost="cache" if name == "kv_cache" else "instant",
                values=[ValueSupport(value=value, effects=effects.get(value)) for value in values],
            )
            for name, values in offered.items()
        ]
        toggles += [
            ToggleSupport(name=name, cost="instant", values=[], form="a number")
            for name in ("max_batch", "token_budget")
        ]
        weights = [
            ValueSupport(value="model"),
            *(ValueSupport(value=v, possible=False, reason=REASON) for v in ("int8", "nf4")),
        ]
        toggles.append(ToggleSupport(name="weights", cost="weights", values=weights))
        return Capabilities(engine="scripted", devices=["cpu"], toggles=toggles)

    def load(self, command: LoadModel, progress: Progress) -> None:
        """Read the answers."""
        self.unload()
        for stage in ("checking", "tokenizer", "weights"):
            progress(stage)
        self._core = EngineCore(ScriptedRunner(_answers(command.model)), self._emit)
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
        self._emit(ModelLoaded(facts=facts, capabilities=self.capabilities()))
        self._apply(command.options, [])

    def unload(self) -> None:
        """Forget the answers."""
        if self._core:
            self._core.fail("the model was unloaded")
        self._core = None

    def set_options(self, command: SetOptions, progress: Progress) -> None:
        """Only what the loop itself does can change."""
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
        """There is something to step."""
        return self._core is not None and self._core.busy

    @property
    def step_index(self) -> int:
        """The number of the next step."""
        return self._loaded.step_index

    @property
    def next_arrival(self) -> float | None:
        """When a delayed request will arrive."""
        return self._core.next_arrival if self._core else None

    def step(self) -> None:
        """See `EngineCore.step`."""
        self._loaded.step()

    @property
    def _loaded(self) -> EngineCore:
        if self._core is None:
            raise EngineError("no script is loaded", "load one first")
        return self._core

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
        memory = Memory(kv_used=core.runner.kv_bytes(core.running), kv_reserved=BLOCKS * 32 * KV_BYTES_PER_TOKEN)
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


def _answers(model: str) -> list[list[str]]:
    if not model.endswith(".jsonl"):
        return [re.findall(r"\s*\S+|\s+$", ANSWER)]
    try:
        lines = Path(model).read_bytes().splitlines()
    except OSError as error:
        raise EngineError(f"cannot read {model}: {error.strerror}", "name a recording made with --record") from None
    answers: dict[str, list[str]] = {}
    for line in lines:
        raw = msgspec.json.decode(line, type=dict[str, msgspec.Raw]).get("event")
        event = decode_event(bytes(raw)) if raw else None
        if isinstance(event, TokensGenerated):
            answers.setdefault(event.request_id, []).append(event.text)
    if not answers:
        raise EngineError(f"{model} holds no generated tokens", "name a recording made with --record")
    return list(answers.values())
