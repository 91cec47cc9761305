"""What telling of steps costs vLLM: CPU time in our scheduler's methods beyond vLLM's own, and in what reads them.

`INTERPRETER_WITH_VLLM -m tests.engine.vllm.figure_hook [ROUNDS]`; no test. The timers count as part of the hook.
"""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from time import thread_time
from typing import Any

from tests.bench_jobs import Job, ragged

MODEL = Path(__file__).parents[3] / "playground/models/tiny-coder"
HOOKED = ("schedule", "update_from_output")


class Timed:
    """Seconds of CPU that calls took."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, timed."""

        def call(*args: Any, **words: Any) -> Any:
            began = thread_time()
            try:
                return function(*args, **words)
            finally:
                self.seconds += thread_time() - began

        return call


def main() -> None:
    """Print the share of each round, then the median."""
    os.environ |= {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "VLLM_NO_USAGE_STATS": "1", "VLLM_LOGGING_LEVEL": "ERROR"}
    import torch

    torch.set_num_threads(1)  # on a CPU vLLM puts a function that does nothing in its place
    from vllm.engine.arg_utils import EngineArgs
    from vllm.v1.core.sched.scheduler import Scheduler
    from vllm.v1.engine.llm_engine import LLMEngine

    from playground.engine.backends.vllm.steps import StepScheduler

    whole, theirs = Timed(), Timed()
    for name in HOOKED:
        setattr(StepScheduler, name, whole.wrap(getattr(StepScheduler, name)))
        setattr(Scheduler, name, theirs.wrap(getattr(Scheduler, name)))
    config = EngineArgs(
        model=str(MODEL), dtype="float32", max_num_seqs=8, max_model_len=2048, enforce_eager=True, block_size=32,
        kv_cache_memory_bytes=2**28, distributed_executor_backend="uni", disable_log_stats=True,
    ).create_engine_config()  # fmt: skip
    config.scheduler_config.scheduler_cls = StepScheduler
    llm, told = LLMEngine.from_vllm_config(config, disable_log_stats=True), whole.wrap(_told)
    shares = []
    for number in range(1 + int((sys.argv[1:] or ["7"])[0])):
        whole.seconds = theirs.seconds = 0.0
        seconds = _run(llm, ragged(32, 2000), told)
        hook = whole.seconds - theirs.seconds
        if number:  # the first pays for what is compiled and cached
            shares.append(hook / (seconds - hook))
            print(f"hook {hook:.4f} s of {seconds:.3f} s, {shares[-1]:.2%}", flush=True)
    spread = f"{min(shares):.2%} to {max(shares):.2%}"
    print(f"figure: hook {statistics.median(shares):.2%} of CPU, median of {len(shares)} ({spread}); asked: below 1 %")


def _told(scheduler: Any) -> None:
    """What our loop reads after each step."""
    scheduler.reported.done.popleft()
    scheduler.waiting_ids()
    scheduler.count_blocks()


def _run(llm: Any, jobs: list[Job], told: Callable[[Any], None]) -> float:
    """Seconds of CPU from the first submission to the last token."""
    from vllm.inputs import TokensPrompt
    from vllm.sampling_params import SamplingParams

    llm.reset_prefix_cache()
    began = thread_time()
    for index, (ids, new) in enumerate(jobs):
        asked = SamplingParams(max_tokens=new, temperature=0, ignore_eos=True, detokenize=False)
        llm.add_request(str(index), TokensPrompt(prompt_token_ids=ids), asked)
    while llm.has_unfinished_requests():
        llm.step()
        told(llm.engine_core.engine_core.scheduler)
    return thread_time() - began


if __name__ == "__main__":
    main()
