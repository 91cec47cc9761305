"""Events a worker sends, named in the past tense. All times are seconds on the worker's monotonic clock."""

from __future__ import annotations

from typing import Literal

import msgspec

from playground.protocol.capabilities import Capabilities
from playground.protocol.measurements import AttentionPoint, Ceilings, HeadShape, LayerColumns
from playground.protocol.metrics import Memory, RequestMetrics
from playground.protocol.model_facts import ModelFacts
from playground.protocol.options import CostClass, EngineOptions, Policy
from playground.protocol.steps import BlockTable, Step

FinishReason = Literal["stop", "length", "abort", "error"]
Verdict = Literal["pass", "warn", "fail"]
LoadStage = Literal["checking", "config", "tokenizer", "weights", "device", "converting", "warm-up"]


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=True, omit_defaults=True):
    """Base of all events; on the wire, `type` holds the class name."""


class WorkerReady(Event, frozen=True):
    """The worker runs and knows what this machine can do; `clock` is its monotonic time now."""

    pid: int
    role: str
    clock: float
    capabilities: Capabilities


class ModelLoading(Event, frozen=True):
    """Progress of one stage of a load or conversion; a total of 0 means the length is unknown."""

    stage: LoadStage
    done: int = 0
    total: int = 0
    detail: str = ""


class ModelLoaded(Event, frozen=True):
    """A model is ready; `capabilities` are those with this model."""

    facts: ModelFacts
    capabilities: Capabilities


class LoadCancelled(Event, frozen=True):
    """A load was stopped on request; the worker has no model now."""

    model: str


class OptionsApplied(Event, frozen=True):
    """Toggles were set before `step`. `effective` is read back from the engine, with attention per phase; where it
    is not what was requested, `reasons` says why, by toggle name."""

    changed: list[str]
    requested: EngineOptions
    effective: dict[str, str]
    reasons: dict[str, str] = {}
    cost: CostClass = "instant"
    seconds: float = 0.0
    step: int = 0
    before: Memory = Memory()
    after: Memory = Memory()


class RequestQueued(Event, frozen=True):
    """A request waits for a slot from `submitted` on; `loaded`: when the model was ready that it had to wait for.
    `prompt_tokens` is 0 where a server counts them."""

    request_id: str
    submitted: float
    loaded: float | None = None
    prompt_tokens: int = 0


class StepsExecuted(Event, frozen=True):
    """Steps since the last such event, in order."""

    steps: list[Step]


class BlocksMapped(Event, frozen=True):
    """Which requests hold which of `count` KV blocks of `size` tokens before `step`. `cached`: runs (first, length) of
    blocks kept only for their prefix; a block in no table and no run is free."""

    step: int
    count: int
    size: int
    tables: dict[str, BlockTable]
    cached: list[tuple[int, int]] = []


class Simulated(Event, frozen=True):
    """Predicted result of running the requests of a `Simulate` under a policy; `makespan_s` is None if no step cost was
    given."""

    policy: Policy
    steps: int
    occupancy: float | None
    waste: float | None
    makespan_s: float | None = None
    refused: int = 0


class TokensGenerated(Event, frozen=True):
    """Tokens of one request since the last such event: ids, the time of each, and the text that became final.
    `draft_spans`: [start, end) ranges of `text` that came from accepted drafts. A server that reports no ids leaves
    `token_ids` empty; each time then belongs to a chunk of text."""

    request_id: str
    token_ids: list[int]
    times: list[float]
    text: str
    draft_spans: list[tuple[int, int]] = []


class Tokenized(Event, frozen=True):
    """The token ids of the texts that `Tokenize` named, in their order."""

    key: str
    token_ids: list[list[int]]


class Scored(Event, frozen=True):
    """One value per token except the first, which has no prediction. `nll` in nats; `top`: the likeliest id at that
    position. Against kept logits also `kl` (base against this, nats), `rank` of the base's likeliest id here (0 is
    likeliest) and `agreement`, the share of positions where both find the same id likeliest. `likeliest`, if requested:
    log-probabilities of the likeliest ids at each position and of the actual token."""

    key: str
    nll: list[float]
    top: list[int]
    kl: list[float] = []
    rank: list[int] = []
    agreement: float | None = None
    seconds: float = 0.0
    likeliest: list[dict[int, float]] = []


class AttentionMeasured(Event, frozen=True):
    """`done` of `total` points of a `MeasureAttention`, with those measured since the last such event."""

    shape: HeadShape
    ceilings: Ceilings
    points: list[AttentionPoint]
    done: int
    total: int


class OutliersMeasured(Event, frozen=True):
    """Input columns of the linear layers in the order of the forward; a column is an outlier for LLM.int8() where its
    peak reaches `threshold`, the engine's int8_threshold now (https://arxiv.org/abs/2208.07339)."""

    tokens: int
    threshold: float
    weights: str
    layers: list[LayerColumns]


class CheckFinding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The result of one check. `fail`: it is broken; `warn`: it looks suspicious."""

    name: str
    verdict: Verdict
    evidence: str
    advice: str = ""


class ModelChecked(Event, frozen=True):
    """The findings of a `CheckModel`; a model that is not `loadable` cannot be loaded at all."""

    model: str
    findings: list[CheckFinding]
    loadable: bool = True


class RequestFinished(Event, frozen=True):
    """A request ended; `message` says what went wrong where the reason is error."""

    request_id: str
    reason: FinishReason
    metrics: RequestMetrics
    message: str = ""


class MemoryMeasured(Event, frozen=True):
    """The current memory ledger of the engine process."""

    memory: Memory


class Failed(Event, frozen=True):
    """A command failed; the worker goes on. One line each: what happened, what to do. `kept`: the load failed, but the
    previous model is still loaded; its `ModelLoaded` follows. `stopped`: the user stopped it."""

    where: str
    message: str
    advice: str = ""
    kept: bool = False
    stopped: bool = False


class WorkerExited(Event, frozen=True):
    """The worker process ended. Emitted by the client, since a dead worker cannot report its own death."""

    code: int
    log_tail: str = ""
    role: str = "engine"
