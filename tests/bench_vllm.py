"""The other side of `bench_engine.py --engine vllm`, under vLLM's own interpreter: `python bench_vllm.py MODEL DTYPE
THREADS [--compile]`.

Loads, prints {"threads": n}; then for every line of jobs, [[prompt ids, new tokens], …],
{"seconds": s, "cpu": s, "tokens": n}.
"""

from __future__ import annotations

import json
import os
import sys
from time import perf_counter, process_time

SLOTS = 8


def main() -> None:
    """Serve until the input ends; only JSON goes to the real output."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    os.environ |= {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "VLLM_NO_USAGE_STATS": "1", "VLLM_LOGGING_LEVEL": "ERROR"}
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    import torch

    torch.set_num_threads(int(sys.argv[3]))  # on a CPU vLLM puts a function that does nothing in its place
    from vllm.engine.arg_utils import EngineArgs
    from vllm.inputs import TokensPrompt
    from vllm.sampling_params import RequestOutputKind, SamplingParams
    from vllm.v1.engine.llm_engine import LLMEngine

    model, dtype = sys.argv[1:3]
    engine = LLMEngine.from_engine_args(
        EngineArgs(
            model=model, dtype=dtype, max_num_seqs=SLOTS, max_model_len=2048, enforce_eager="--compile" not in sys.argv,
            enable_prefix_caching=False, block_size=32, distributed_executor_backend="uni", disable_log_stats=True,
        )
    )  # fmt: skip
    print(json.dumps({"threads": torch.get_num_threads()}), file=answers, flush=True)
    for run, line in enumerate(sys.stdin):
        start, cpu, tokens = perf_counter(), process_time(), 0
        for index, (ids, new) in enumerate(json.loads(line)):
            asked = SamplingParams(max_tokens=new, temperature=0, ignore_eos=True, detokenize=True)
            asked.output_kind = RequestOutputKind.FINAL_ONLY  # as vLLM's own `LLM.generate` asks
            engine.add_request(f"{run}-{index}", TokensPrompt(prompt_token_ids=ids), asked)
        while engine.has_unfinished_requests():
            for output in engine.step():
                tokens += len(output.outputs[0].token_ids) if output.finished else 0
        spent = {"seconds": perf_counter() - start, "cpu": process_time() - cpu, "tokens": tokens}
        print(json.dumps(spent), file=answers, flush=True)


if __name__ == "__main__":
    main()
