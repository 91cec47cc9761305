"""vLLM's scheduler, reporting which rows each of its steps held. Imported by name, also in vLLM's child processes."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from vllm.v1.core.sched.async_scheduler import AsyncScheduler
from vllm.v1.core.sched.output import SchedulerOutput
from vllm.v1.core.sched.scheduler import Scheduler
from vllm.v1.engine import EngineCoreOutput
from vllm.v1.outputs import ModelRunnerOutput
from vllm.v1.request import Request

COUNT_SHARE = 1000


@dataclass(slots=True)
class StepRow:
    """What one request computed in one step: `tokens` scheduled; of `speculated` drafts, the first `accepted` held."""

    request_id: str
    tokens: int
    decode: bool
    speculated: int = 0
    accepted: int = 0


@dataclass(slots=True)
class StepRows:
    """One step of the scheduler by vLLM's request ids, and after it ran, the outputs of vLLM's core."""

    rows: list[StepRow]
    preempted: list[str]
    outputs: list[EngineCoreOutput] = field(default_factory=list)


@dataclass
class BlockCount:
    """Blocks of the pool without the null block. `cached`: unused, but kept for a known prefix."""

    used: int = 0
    free: int = 0
    cached: int = 0


@dataclass
class Reported:
    """Steps that were scheduled and await their output, and complete ones."""

    planned: dict[int, StepRows] = field(default_factory=dict)
    done: deque[StepRows] = field(default_factory=deque)


class StepScheduler(Scheduler):
    """Keeps what `schedule` decided until its output arrives, which is before the next step is scheduled."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.reported = Reported()
        self._blocks = BlockCount()
        self._count_after = 0.0

    def schedule(self, *args: Any, **kwargs: Any) -> SchedulerOutput:
        output = super().schedule(*args, **kwargs)
        requests, drafts = self.requests, output.scheduled_spec_decode_tokens
        rows = [_row(requests[key], count, drafts.get(key)) for key, count in output.num_scheduled_tokens.items()]
        self.reported.planned[id(output)] = StepRows(rows, sorted(output.preempted_req_ids or ()))
        return output

    def update_from_output(self, output: SchedulerOutput, model_output: ModelRunnerOutput) -> Any:
        step = self.reported.planned.pop(id(output))
        for row in step.rows:
            if row.speculated and (index := model_output.req_id_to_index.get(row.request_id)) is not None:
                row.accepted = max(0, len(model_output.sampled_token_ids[index]) - 1)
        result = super().update_from_output(output, model_output)
        step.outputs = [each for outputs in result.values() for each in outputs.outputs]
        self.reported.done.append(step)
        return result

    def waiting_ids(self) -> list[str]:
        """Requests without a slot, in the order of the queue."""
        queues = (self.kv_holding_waiting, self.waiting)
        return [request.request_id for queue in queues for request in queue]

    def count_blocks(self) -> BlockCount:
        """Count blocks. `used` is exact; cached blocks have to be searched for one by one, so they are counted only as
        often as takes a tenth of a percent of the time."""
        pool, now = self.kv_cache_manager.block_pool, perf_counter()
        idle = pool.get_num_free_blocks()
        if pool.enable_caching and now >= self._count_after:
            cached = sum(block.ref_cnt == 0 and block.block_hash is not None for block in pool.blocks)
            self._count_after = now + COUNT_SHARE * (perf_counter() - now)
        else:
            cached = min(self._blocks.cached, idle)
        self._blocks = BlockCount(pool.num_gpu_blocks - 1 - idle, idle - cached, cached)
        return self._blocks


class AsyncStepScheduler(StepScheduler, AsyncScheduler):
    """Schedules the next step while this one runs."""


def _row(request: Request, count: int, drafts: list[int] | None) -> StepRow:
    computed = request.num_computed_tokens - count
    decode = computed >= max(request.num_prompt_tokens, request.num_tokens - 1)
    return StepRow(request.request_id, count, decode, len(drafts) if drafts else 0)
