"""Teacher-force token ids through the paged cache and compare with logits kept before.

Logits are processed in chunks, so that those of a long text under a large vocabulary are never all in memory.
Log-probabilities are kept in float16 on the host: near zero, where likely tokens are, they give KL within 1e-5, while
raw float16 logits are up to 30 times coarser. Both sides are rounded, so that comparing a run with itself gives exactly
0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import perf_counter

import torch
from torch import Tensor

from playground.engine.admission import Refused
from playground.engine.backends.base import EngineError
from playground.engine.backends.transformers.kv.cache import PagedCache
from playground.engine.backends.transformers.kv.move import make_store
from playground.engine.backends.transformers.live import LiveEngine
from playground.engine.blocks import BlockManager
from playground.engine.memory_fault import explain_memory_faults
from playground.engine.request import Request
from playground.protocol.commands import GenerationRequest, SamplingParams, Score
from playground.protocol.events import Scored
from playground.protocol.options import blocks_for
from playground.protocol.timing import RequestTimer
from playground.text.sizes import format_bytes

CHUNK_TOKENS, CHUNK_BYTES = 256, 64 * 2**20
KEPT_BYTES = 2 * 2**30
FLOOR = -60_000.0


@dataclass(frozen=True)
class KeptLogits:
    """Log-probabilities [tokens - 1, V] in float16 on the host, and the likeliest id at each position."""

    token_ids: list[int]
    log_probabilities: Tensor
    top: list[int]


@dataclass
class Figures:
    """Results so far, one value per predicted token."""

    nll: list[float] = field(default_factory=list)
    top: list[int] = field(default_factory=list)
    kl: list[float] = field(default_factory=list)
    rank: list[int] = field(default_factory=list)
    likeliest: list[dict[int, float]] = field(default_factory=list)


class Scorer:
    """Answers `Score`; keeps log-probabilities by name, up to `KEPT_BYTES` in all."""

    def __init__(self) -> None:
        self._kept: dict[str, KeptLogits] = {}

    def score(self, command: Score, live: LiveEngine, check: Callable[[], None]) -> Scored:
        """Raises `EngineError`, and what `check` raises between two chunks. Uses temporary blocks of its own, apart
        from those of running requests."""
        started = perf_counter()
        ids, vocabulary = _checked(command.token_ids, live), live.loaded.model.config.get_text_config().vocab_size
        base = self._base(command, ids, vocabulary) if command.against else None
        figures = Figures()
        with explain_memory_faults(f"scoring {len(ids)} tokens", live.loaded.device, "score fewer tokens at a time"):
            keep = self._room(command.keep_as, len(ids) - 1, vocabulary) if command.keep_as else None
            for at, logits in chunks(live, ids[:-1], chunk_tokens(vocabulary)):
                check()
                targets = ids[at + 1 : at + 1 + len(logits)]
                _add(figures, logits, targets, base, at)
                if command.likeliest > 0:
                    figures.likeliest += _likeliest(logits, targets, min(command.likeliest, vocabulary))
                if keep is not None:
                    keep[at : at + len(logits)] = as_kept(logits).cpu()
        if command.keep_as and keep is not None:
            self._kept[command.keep_as] = KeptLogits(ids, keep, figures.top)
        return Scored(
            key=command.key,
            nll=figures.nll,
            top=figures.top,
            kl=figures.kl,
            rank=figures.rank,
            agreement=_agreement(figures.top, base.top) if base else None,
            seconds=perf_counter() - started,
            likeliest=figures.likeliest,
        )

    def forget(self) -> None:
        """Drop all kept logits."""
        self._kept.clear()

    def _base(self, command: Score, ids: list[int], vocabulary: int) -> KeptLogits:
        base = self._kept.get(command.against or "")
        if base is None:
            raise EngineError(f"no logits are kept as {command.against!r}", "score with keep_as first")
        if base.token_ids != ids:
            raise EngineError(f"the logits kept as {command.against!r} are of other tokens", "score the same tokens")
        if base.log_probabilities.shape[1] != vocabulary:
            raise EngineError(
                f"the logits kept as {command.against!r} are of another vocabulary", "compare models that share one"
            )
        return base

    def _room(self, name: str, positions: int, vocabulary: int) -> Tensor:
        wanted = 2 * positions * vocabulary
        taken = sum(kept.log_probabilities.nbytes for other, kept in self._kept.items() if other != name)
        if taken + wanted > KEPT_BYTES:
            raise EngineError(
                f"keeping logits of {positions} tokens x {vocabulary} ids takes {format_bytes(wanted)}; "
                f"{format_bytes(taken)} of {format_bytes(KEPT_BYTES)} are taken",
                "score a shorter text, or keep under a name that is taken, which replaces it",
            )
        self._kept.pop(name, None)
        return torch.empty(positions, vocabulary, dtype=torch.float16)


def chunk_tokens(vocabulary: int) -> int:
    """Number of tokens whose float32 logits are processed together."""
    return max(1, min(CHUNK_TOKENS, CHUNK_BYTES // (4 * vocabulary)))


def chunks(live: LiveEngine, token_ids: list[int], tokens: int) -> Iterator[tuple[int, Tensor]]:
    """The position of each chunk and its float32 logits [<= tokens, V], computed through temporary blocks."""
    size, kind = live.runner.blocks.size, live.options.kv_cache
    blocks = BlockManager(blocks_for(len(token_ids), size), size, prefix_cache=False)
    cache = PagedCache(make_store(kind, blocks, slots=1))
    request = Request("", token_ids, SamplingParams(), RequestTimer(submitted=0.0))
    blocks.grow(request, len(token_ids))
    while request.remaining:
        start, count = request.computed, min(tokens, request.remaining)
        yield start, live.runner.teacher_force(request, count, cache).float()
        request.computed += count


def as_kept(logits: Tensor) -> Tensor:
    """Log-probabilities rounded as they are kept."""
    return logits.log_softmax(-1).clamp_min(FLOOR).half()


def _add(figures: Figures, logits: Tensor, targets: list[int], base: KeptLogits | None, at: int) -> None:
    """Add the figures of logits [n, V] that predict `targets`."""
    wanted = torch.tensor(targets, device=logits.device).unsqueeze(1)
    nll = -logits.log_softmax(-1).gather(1, wanted).squeeze(1)
    if not nll.isfinite().all():
        raise EngineError(f"the logits hold NaN or Inf by token {at + len(targets)}", "try dtype=float32")
    figures.nll += nll.tolist()
    figures.top += logits.argmax(-1).tolist()
    if base is None:
        return
    theirs = base.log_probabilities[at : at + len(targets)].to(logits.device).float().log_softmax(-1)
    ours = as_kept(logits).float().log_softmax(-1)
    figures.kl += (theirs.exp() * (theirs - ours)).sum(-1).tolist()
    likeliest = torch.tensor(base.top[at : at + len(targets)], device=logits.device).unsqueeze(1)
    figures.rank += (logits > logits.gather(1, likeliest)).sum(-1).tolist()


def _agreement(ours: list[int], theirs: list[int]) -> float:
    """The share of positions where both name the same id as the likeliest."""
    return sum(one == other for one, other in zip(ours, theirs, strict=True)) / len(theirs)


def _likeliest(logits: Tensor, targets: list[int], count: int) -> list[dict[int, float]]:
    """Log-probabilities of the `count` likeliest ids and of the target, by position."""
    found = logits.log_softmax(-1)
    values, ids = found.topk(count)
    own = found.gather(1, torch.tensor(targets, device=found.device).unsqueeze(1)).squeeze(1).tolist()
    rows = zip(ids.tolist(), values.tolist(), targets, own, strict=True)
    return [dict(zip(names, row, strict=True)) | {target: value} for names, row, target, value in rows]


def _checked(token_ids: list[int], live: LiveEngine) -> list[int]:
    if len(token_ids) < 2:
        raise EngineError("nothing predicts the first token of a text", "score two tokens or more")
    if len(token_ids) > live.loaded.context:
        raise EngineError(
            f"the text has {len(token_ids)} tokens and the model's context is {live.loaded.context}",
            "score it in parts",
        )
    try:
        return live.loaded.tokenizer.encode(GenerationRequest(request_id="", prompt_token_ids=token_ids))
    except Refused as refusal:
        raise EngineError(str(refusal), "tokenize with this model") from None
