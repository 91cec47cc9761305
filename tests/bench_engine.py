"""Speed of the engine against others' ways, side by side: `python tests/bench_engine.py [--quick] [--only TABLE]`.

Same weights, dtype, prompts, output lengths and threads; runs interleaved, medians, ratios of pairs. Not a test: it
never fails. `--engine vllm --python INTERPRETER` compares with vLLM, which lives in an environment of its own.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import torch
from transformers import ContinuousBatchingConfig, GenerationConfig, PreTrainedModel, Qwen2Config, Qwen2ForCausalLM

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from playground.engine.backends.transformers.attention import GROUPED  # noqa: E402
from playground.engine.backends.transformers.backend import TransformersBackend  # noqa: E402
from playground.protocol.commands import GenerationRequest, LoadModel, SamplingParams, SetOptions, Submit  # noqa: E402
from playground.protocol.events import Event, OptionsApplied, RequestFinished, TokensGenerated  # noqa: E402
from playground.protocol.options import EngineOptions  # noqa: E402

Job = tuple[list[int], int]
TINY = str(ROOT / "playground/models/tiny-coder")


class Engine:
    """Ours, in this process, without a pipe."""

    def __init__(self, model: str, dtype: str, **options: object) -> None:
        self.events: list[Event] = []
        self._backend = TransformersBackend(self.events.append)
        asked = EngineOptions(dtype=dtype, **options)  # type: ignore[arg-type]
        self._backend.load(LoadModel(model=model, options=asked), _quiet)

    @property
    def model(self) -> PreTrainedModel:
        """The loaded model, for the baselines."""
        assert self._backend._live
        return self._backend._live.loaded.model

    def set(self, **changes: object) -> float:
        """Change toggles; returns the seconds that it took."""
        self._backend.set_options(SetOptions(changes=changes), _quiet)  # type: ignore[arg-type]
        return next(event.seconds for event in reversed(self.events) if isinstance(event, OptionsApplied))

    def run(self, jobs: list[Job]) -> float:
        """Seconds from submission to the last token."""
        self.events.clear()
        start = perf_counter()
        requests = [
            GenerationRequest(
                request_id=str(index), prompt_token_ids=ids, sampling=SamplingParams(max_tokens=new, ignore_eos=True)
            )
            for index, (ids, new) in enumerate(jobs)
        ]
        self._backend.submit(Submit(requests=requests), start)
        while self._backend.busy:
            self._backend.step()
        return perf_counter() - start

    def ttft(self) -> float:
        """Median TTFT of the last run."""
        return statistics.median(
            event.metrics.ttft_s or 0.0 for event in self.events if isinstance(event, RequestFinished)
        )

    def tokens(self) -> int:
        """Output tokens of the last run."""
        return sum(len(event.token_ids) for event in self.events if isinstance(event, TokensGenerated))


def generate_static(model: PreTrainedModel, jobs: list[Job], batch: int) -> float:
    """`generate` in batches of `batch`, in order, each until its longest request has ended."""
    with _stock_attention(model):
        start = perf_counter()
        for first in range(0, len(jobs), batch):
            part = jobs[first : first + batch]
            width = max(len(ids) for ids, _ in part)
            ids = torch.tensor([[0] * (width - len(ids)) + ids for ids, _ in part], device=model.device)
            mask = torch.tensor([[0] * (width - len(ids)) + [1] * len(ids) for ids, _ in part], device=model.device)
            new = max(new for _, new in part)
            with torch.inference_mode():
                model.generate(
                    ids, attention_mask=mask, max_new_tokens=new, do_sample=False, eos_token_id=None, pad_token_id=0
                )
        return perf_counter() - start


def generate_continuous(model: PreTrainedModel, jobs: list[Job], slots: int) -> float:
    """transformers' own continuous batching, sized for these jobs."""
    with _stock_attention(model):
        sizes = ContinuousBatchingConfig(
            page_size=32, num_blocks=16 * slots, max_batch_tokens=256, max_requests_per_batch=slots
        )
        config = GenerationConfig(max_new_tokens=512, do_sample=False, eos_token_id=-1, pad_token_id=0)
        manager = model.init_continuous_batching(generation_config=config, continuous_batching_config=sizes)
        manager.start()
        start = perf_counter()
        for index, (ids, new) in enumerate(jobs):
            manager.add_request(ids, request_id=str(index), max_new_tokens=new)
        done = 0
        while done < len(jobs):
            result = manager.get_result(timeout=60)
            done += result is not None and result.is_finished()
        seconds = perf_counter() - start
        manager.stop(block=True)
        manager.destroy()
        return seconds


class _stock_attention:
    def __init__(self, model: PreTrainedModel) -> None:
        self._model = model

    def __enter__(self) -> None:
        self._model.set_attn_implementation("sdpa")

    def __exit__(self, *_: object) -> None:
        self._model.set_attn_implementation(GROUPED)


def pairs(ours: Callable[[], float], theirs: Callable[[], float], runs: int) -> tuple[float, float, float]:
    """Median seconds of both after one warm-up, interleaved, and the median ratio theirs / ours."""
    ours(), theirs()
    both = [(ours(), theirs()) for _ in range(runs)]
    a, b = (statistics.median(column) for column in zip(*both, strict=True))
    return a, b, statistics.median(their / our for our, their in both)


def ragged(count: int, vocabulary: int, seed: int = 1) -> list[Job]:
    """Prompts of 8..48 tokens, output lengths lognormal in 16..256."""
    draw = random.Random(seed)
    lengths = [min(256, max(16, int(draw.lognormvariate(4.2, 0.8)))) for _ in range(count)]
    return [([draw.randrange(3, vocabulary) for _ in range(draw.randint(8, 48))], new) for new in lengths]


def random_qwen(folder: str) -> str:
    """A Qwen2 of 370 M parameters with random weights in bfloat16, and tiny-coder's tokenizer."""
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=32000, hidden_size=1024, intermediate_size=2816, num_hidden_layers=24, num_attention_heads=16,
        num_key_value_heads=2, max_position_embeddings=8192, tie_word_embeddings=True,
    )  # fmt: skip
    Qwen2ForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    for file in Path(TINY).glob("tokenizer*"):
        (Path(folder) / file.name).write_bytes(file.read_bytes())
    return folder


def row(work: str, against: str, ours: float, theirs: float, ratio: float, tokens: int) -> None:
    """One line of the table."""
    print(f"| {work} | {against} | {tokens / ours:.0f} / {tokens / theirs:.0f} tok/s | {ratio:.2f}x |", flush=True)


def batch_one(engine: Engine, name: str, new: int, runs: int) -> None:
    """One request, greedy."""
    job = [([5, 6, 7, 8, 9, 10], new)]
    row(
        f"batch 1, {name}",
        "generate",
        *pairs(lambda: engine.run(job), lambda: generate_static(engine.model, job, 1), runs),
        new,
    )


def batched(engine: Engine, name: str, count: int, runs: int) -> None:
    """Ragged requests over 8 slots."""
    jobs = ragged(count, 2000)
    tokens, label = sum(new for _, new in jobs), f"{count} ragged requests, 8 slots, {name}"
    model = engine.model
    row(
        label,
        "generate, batches of 8",
        *pairs(lambda: engine.run(jobs), lambda: generate_static(model, jobs, 8), runs),
        tokens,
    )
    row(
        label,
        "transformers CB",
        *pairs(lambda: engine.run(jobs), lambda: generate_continuous(model, jobs, 8), runs),
        tokens,
    )
    engine.set(batching="static")
    row(
        f"{label}, static",
        "generate, batches of 8",
        *pairs(lambda: engine.run(jobs), lambda: generate_static(model, jobs, 8), runs),
        tokens,
    )
    engine.set(batching="continuous")


def shared_prefix(engine: Engine, runs: int) -> None:
    """TTFT of 32 requests behind a common prefix of 512 tokens, its first use apart."""
    draw = random.Random(2)
    prefix = [draw.randrange(3, 2000) for _ in range(512)]
    jobs = [(prefix + [draw.randrange(3, 2000) for _ in range(8)], 8) for _ in range(32)]
    both = []
    for _ in range(runs):
        times = []
        for state in (True, False):
            engine.set(prefix_cache=state)
            engine.run(jobs[:1])
            engine.run(jobs)
            times.append(engine.ttft())
        both.append(times)
    on, off = (statistics.median(column) for column in zip(*both, strict=True))
    label = "32 requests, shared 512-token prefix, TTFT"
    print(f"| {label} | prefix cache off | {on * 1e3:.0f} / {off * 1e3:.0f} ms | {off / on:.2f}x |")


def compiled(engine: Engine, name: str, new: int, runs: int) -> None:
    """One request and a full batch with compile=on, after a warm-up that is stated."""
    seconds = engine.set(compile=True)
    print(f"| compile=on, {name}: warm-up | | {seconds:.1f} s | |", flush=True)
    batch_one(engine, f"{name}, compile=on", new, runs)
    engine.set(compile=False)


def int8_switch(engine: Engine, name: str, runs: int) -> None:
    """The first switch to LLM.int8() against bitsandbytes' own conversion of the same layers, and a later one."""
    import bitsandbytes as bnb

    weights = engine._backend._live.weights  # type: ignore[union-attr]

    def theirs() -> float:
        start = perf_counter()
        for layer in weights._originals.values():
            module = bnb.nn.Linear8bitLt(
                layer.in_features, layer.out_features, layer.bias is not None, has_fp16_weights=False, device="meta"
            )
            module.weight = bnb.nn.Int8Params(layer.weight.data, has_fp16_weights=False, requires_grad=False).to("cpu")
        return perf_counter() - start

    def first() -> float:
        weights._copies.clear()
        seconds = engine.set(weights="int8")
        engine.set(weights="model")
        return seconds

    ours, other, ratio = pairs(first, theirs, runs)
    print(f"| first switch to int8, {name} | bitsandbytes alone | {ours:.2f} / {other:.2f} s | {1 / ratio:.2f}x |")
    later = []
    for _ in range(runs):
        later.append(engine.set(weights="int8"))
        engine.set(weights="model")
    print(f"| a later switch, {name} | | {statistics.median(later):.3f} s | |", flush=True)


def against_vllm(python: str, folder: str, dtype: str, runs: int, both_compile: bool) -> None:
    """Our engine for transformers against vLLM: 64 ragged requests over 8 slots, in turn on both; each has its model
    loaded all the time."""
    threads = 1 if folder == TINY else torch.get_num_threads()  # as both engines choose for a model of its size
    command = [python, str(ROOT / "tests/bench_vllm.py"), folder, dtype, str(threads)]
    command += ["--compile"] if both_compile else []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdin and other.stdout
        told = other.stdout.readline()
        if not told:
            print(f"vLLM did not start: {' '.join(command)}")
            return
        engine, jobs = Engine(folder, dtype), ragged(64, 2000)
        torch.set_num_threads(json.loads(told)["threads"])
        if both_compile:
            engine.set(compile=True)

        def theirs() -> float:
            print(json.dumps(jobs), file=other.stdin, flush=True)
            return float(json.loads(other.stdout.readline())["seconds"])  # type: ignore[union-attr]

        times = pairs(lambda: engine.run(jobs), theirs, runs)
        name = Path(folder).name if folder == TINY else "370 M Qwen2"
        label = f"64 ragged requests, 8 slots, {name}, {dtype}, {torch.get_num_threads()} threads each"
        row(label, f"vLLM {'compiled' if both_compile else 'eager'}", *times, sum(new for _, new in jobs))
        other.stdin.close()


def steps(engine: Engine) -> None:
    """See `bench_steps`."""
    from bench_steps import step_costs  # which drives an `Engine` of this module

    step_costs(engine)


def tiny_tables(quick: bool, runs: int) -> None:
    """Everything on the bundled model."""
    engine = Engine(TINY, "float32")
    batch_one(engine, "tiny-coder fp32", 256, runs)
    batched(engine, "tiny-coder fp32", 64, runs)
    shared_prefix(engine, runs)
    compiled(engine, "tiny-coder fp32", 256, runs)
    batch_one(Engine(TINY, "bfloat16"), "tiny-coder bf16", 256, runs)
    if not quick:
        steps(Engine(TINY, "float32"))


def large_tables(folder: str, runs: int) -> None:
    """Everything on a model of a real size."""
    engine = Engine(folder, "bfloat16")
    batch_one(engine, "370 M Qwen2 bf16", 32, runs)
    int8_switch(engine, "370 M Qwen2 bf16", runs)
    compiled(engine, "370 M Qwen2 bf16", 32, runs)


def main() -> None:
    """Print the tables."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--quick", action="store_true", help="tiny-coder alone, fewer runs")
    arguments.add_argument("--only", choices=("tiny", "large", "steps"), help="one table")
    arguments.add_argument("--engine", choices=("transformers", "vllm"), default="transformers")
    arguments.add_argument("--python", default="python", help="the interpreter that has vLLM")
    arguments.add_argument("--dtype", default="float32", help="for --engine vllm")
    arguments.add_argument("--compile", action="store_true", help="for --engine vllm: both compile")
    asked = arguments.parse_args()
    runs = 3 if asked.quick else 5
    print(
        f"{platform.processor() or platform.machine()}, torch {torch.__version__}, {torch.get_num_threads()} cores, ",
        end="",
    )
    print(f"{torch.backends.cpu.get_cpu_capability()}\n")
    print("| work | against | ours / theirs | ratio |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        if asked.engine == "vllm":
            model = random_qwen(folder) if asked.only == "large" else TINY
            against_vllm(asked.python, model, asked.dtype, runs, asked.compile)
            return
        if asked.only == "steps":
            steps(Engine(TINY, "float32"))
            return
        if asked.only != "large":
            tiny_tables(asked.quick, runs)
        if asked.only == "large" or not (asked.quick or asked.only):
            large_tables(random_qwen(folder), 3)


def _quiet(*_: object, **__: object) -> None: ...


if __name__ == "__main__":
    main()
