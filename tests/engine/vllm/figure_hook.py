"""What telling of steps costs vLLM: the same engine steps the same requests with our scheduler and with its own.

`INTERPRETER_WITH_VLLM -m tests.engine.vllm.figure_hook [ROUNDS]` by CPU time. No test: a busy machine decides it.
"""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

from tests.bench_jobs import Job, ragged

MODEL = Path(__file__).parents[3] / "playground/models/tiny-coder"


def main() -> None:
    """Print the share of each pair, then their median."""
    os.environ |= {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "VLLM_NO_USAGE_STATS": "1", "VLLM_LOGGING_LEVEL": "ERROR"}
    import torch

    torch.set_num_threads(1)  # on a CPU vLLM puts a function that does nothing in its place
    from vllm.engine.arg_utils import EngineArgs
    from vllm.v1.core.sched.scheduler import Scheduler
    from vllm.v1.engine.llm_engine import LLMEngine

    from playground.engine.backends.vllm.steps import StepScheduler

    config = EngineArgs(
        model=str(MODEL), dtype="float32", max_num_seqs=8, max_model_len=2048, enforce_eager=True, block_size=32,
        kv_cache_memory_bytes=2**28, distributed_executor_backend="uni", disable_log_stats=True,
    ).create_engine_config()  # fmt: skip
    config.scheduler_config.scheduler_cls = StepScheduler
    llm = LLMEngine.from_vllm_config(config, disable_log_stats=True)
    scheduler, jobs = llm.engine_core.engine_core.scheduler, ragged(32, 2000)

    def ours() -> float:
        scheduler.__class__ = StepScheduler
        return _run(llm, jobs, lambda: _told(scheduler))

    def theirs() -> float:
        scheduler.__class__ = Scheduler
        return _run(llm, jobs, lambda: None)

    for side in (ours, theirs):
        side()
    shares = []
    for number in range(int((sys.argv[1:] or ["9"])[0])):
        order = (ours, theirs) if number % 2 else (theirs, ours)
        spent = {side: side() for side in order}
        shares.append(spent[ours] / spent[theirs] - 1)
        print(f"with {spent[ours]:.3f} s, without {spent[theirs]:.3f} s, {shares[-1]:+.2%}", flush=True)
    print(f"hook: median {statistics.median(shares):+.2%}, from {min(shares):+.2%} to {max(shares):+.2%}")


def _told(scheduler: Any) -> None:
    """What our loop reads after each step."""
    scheduler.reported.done.popleft()
    scheduler.waiting_ids()
    scheduler.count_blocks()


def _run(llm: Any, jobs: list[Job], after_step: Callable[[], None]) -> float:
    """Seconds of CPU from the first submission to the last token."""
    from vllm.inputs import TokensPrompt
    from vllm.sampling_params import SamplingParams

    llm.reset_prefix_cache()
    began = process_time()
    for index, (ids, new) in enumerate(jobs):
        asked = SamplingParams(max_tokens=new, temperature=0, ignore_eos=True, detokenize=False)
        llm.add_request(str(index), TokensPrompt(prompt_token_ids=ids), asked)
    while llm.has_unfinished_requests():
        llm.step()
        after_step()
    return process_time() - began


if __name__ == "__main__":
    main()
