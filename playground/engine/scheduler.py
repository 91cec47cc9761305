"""Batching policies: pure decisions over request states. They move no tokens and change no requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from playground.engine.blocks import BlockManager
from playground.engine.request import Request
from playground.protocol.options import EngineOptions, Policy, blocks_for, draft_tokens


@dataclass(frozen=True)
class Limits:
    """Limits of one step: policy, slots, token budget, and draft tokens per decoding row."""

    policy: Policy = "continuous"
    slots: int = 8
    token_budget: int = 256
    drafts: int = 0

    @classmethod
    def of(cls, options: EngineOptions) -> Limits:
        """The limits that options request."""
        policy: Policy = "static" if options.batching == "static" else "continuous"
        return cls(policy, options.max_batch, options.token_budget, draft_tokens(options))


@dataclass(frozen=True)
class Work:
    """`tokens` tokens of one request to compute in this step; with speculation the last of them are `drafts`."""

    request: Request
    tokens: int
    decode: bool
    drafts: tuple[int, ...] = ()


@dataclass
class StepPlan:
    """One step's decision: what to compute, who leaves the queue, who loses its blocks, and which finished rows static
    batching still holds."""

    works: list[Work] = field(default_factory=list)
    admitted: list[Request] = field(default_factory=list)
    preempted: list[Request] = field(default_factory=list)
    held: list[Request] = field(default_factory=list)


def schedule(waiting: Sequence[Request], running: Sequence[Request], limits: Limits, blocks: BlockManager) -> StepPlan:
    """Decide one step. `waiting` is in order of arrival, preempted requests first; `running` in order of admission,
    finished rows included where the policy holds them."""
    plan = StepPlan()
    active = [request for request in running if not request.finished]
    plan.held = [request for request in running if request.finished]
    while len(active) > limits.slots:
        plan.preempted.append(active.pop())
    room = _StepBudget(limits.token_budget, blocks, plan, active)
    for request in sorted(active, key=lambda request: request.remaining > 1 or not request.output_ids):
        if request not in plan.preempted:
            room.extend(request)
    if not plan.preempted and (limits.policy == "continuous" or not running):
        for request in waiting[: max(0, limits.slots - len(active))]:
            if not room.admit(request, whole_batch=limits.policy == "static"):
                break
    plan.works = [room.with_drafts(work) for work in plan.works]
    return plan


class _StepBudget:
    """Remaining tokens and blocks of the step being planned."""

    def __init__(self, tokens: int, blocks: BlockManager, plan: StepPlan, active: list[Request]) -> None:
        self.tokens, self.plan, self.active, self._blocks = tokens, plan, active, blocks
        self.free = blocks.available
        self._dropped: Counter[int] = Counter()
        for request in plan.preempted:
            self._give_back(request)

    def extend(self, request: Request) -> None:
        """Plan the next tokens of a running request, preempting the newest requests if there are no other blocks."""
        tokens = min(request.remaining, self.tokens)
        while tokens and (need := self._blocks.needed(request, tokens)) > self.free:
            victim = self.active.pop()
            self._preempt(victim)
            if victim is request:
                return
        if tokens:
            self._take(request, tokens, need)

    def admit(self, request: Request, whole_batch: bool) -> bool:
        """Plan the first tokens of a waiting request if all its known tokens fit.

        A static batch is filled at once; requests beyond the token budget start in a later step.
        """
        hits = self._blocks.match(request.token_ids(0, request.length))
        idle = sum(1 for block in hits if not self._blocks.references(block))
        need = blocks_for(request.length, self._blocks.size) - len(hits)
        tokens = min(request.length - len(hits) * self._blocks.size, self.tokens)
        if not (tokens or whole_batch) or need + idle > self.free:
            return False
        self.plan.admitted.append(request)
        self.free -= need + idle
        if tokens:
            self._take(request, tokens, 0, first=True)
        return True

    def with_drafts(self, work: Work) -> Work:
        """Add draft tokens to a decoding row, as many as fit into what the certain work leaves of tokens and blocks."""
        request, drafts = work.request, work.request.draft_ids[: self.tokens] if work.decode else []
        while drafts and (need := self._blocks.needed(request, 1 + len(drafts)) - self._blocks.needed(request, 1)):
            if need <= self.free:
                self.free -= need
                break
            drafts = drafts[:-1]
        self.tokens -= len(drafts)
        return Work(request, 1 + len(drafts), True, tuple(drafts)) if drafts else work

    def _take(self, request: Request, tokens: int, blocks: int, first: bool = False) -> None:
        self.tokens -= tokens
        self.free -= blocks
        decode = not first and tokens == 1 and bool(request.output_ids) and request.remaining == 1
        self.plan.works.append(Work(request, tokens, decode))

    def _preempt(self, victim: Request) -> None:
        self.plan.preempted.append(victim)
        for work in [work for work in self.plan.works if work.request is victim]:
            self.plan.works.remove(work)
            self.tokens += work.tokens
            self.free += self._blocks.needed(victim, work.tokens)
        self._give_back(victim)

    def _give_back(self, victim: Request) -> None:
        """Count the blocks of a preempted request as free; a shared block only when all its owners are preempted."""
        self._dropped.update(victim.table)
        self.free += sum(1 for block in victim.table if self._dropped[block] == self._blocks.references(block))
