"""Speed of the engine against transformers' own ways, side by side: `python tests/bench_engine.py [--quick]`.

Same weights, dtype, prompts and output lengths; runs interleaved, medians, ratios of pairs. Not a test: it never fails.
"""

from __future__ import annotations

import argparse
import functools
import platform
import random
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import torch
from transformers import ContinuousBatchingConfig, GenerationConfig, PreTrainedModel, Qwen2Config, Qwen2ForCausalLM

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from playground.engine.backends.transformers.attention import GROUPED  # noqa: E402
from playground.engine.backends.transformers.backend import TransformersBackend  # noqa: E402
from playground.protocol.commands import GenerationRequest, LoadModel, SamplingParams, SetOptions, Submit  # noqa: E402
from playground.protocol.events import Event, RequestFinished, TokensGenerated  # noqa: E402
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

    def set(self, **changes: object) -> None:
        """Change toggles."""
        self._backend.set_options(SetOptions(changes=changes), _quiet)  # type: ignore[arg-type]

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


def step_costs(engine: Engine) -> None:
    """A decode step over batch and context, and where its time goes."""
    print("\n| slots | context | step | linear at most | forward | keys and values | sample | loop |")
    print("|---|---|---|---|---|---|---|---|")
    grid = [(slots, 128) for slots in (1, 2, 4, 8, 16, 32, 64)] + [(1, length) for length in (512, 2048, 8000)]
    first: dict[str, tuple[int, float]] = {}
    draw = random.Random(3)
    for slots, length in grid:
        engine.set(max_batch=slots, token_budget=8192, prefix_cache=False)
        jobs = [([draw.randrange(3, 2000) for _ in range(length)], 24) for _ in range(slots)]
        with Parts(engine) as parts:
            engine.run(jobs)
        seconds, shares = parts.decode()
        axis, amount = ("context", length) if length > 128 else ("slots", slots)
        start = first.setdefault(axis, (amount, seconds))
        bound = start[1] * amount / start[0]
        cells = " | ".join(f"{share:.0%}" for share in shares)
        print(f"| {slots} | {length} | {seconds * 1e3:.1f} ms | {bound * 1e3:.1f} ms | {cells} |", flush=True)


class Parts:
    """Times the parts of every step: the model's forward, in it the KV cache, the sampler; the rest is the loop."""

    def __init__(self, engine: Engine) -> None:
        runner = engine._backend._engine.core.runner
        self._engine, self._spent = engine, dict.fromkeys(("forward", "kv", "sample"), 0.0)
        self._rows: list[tuple[float, float, float, float]] = []
        self._patched = [
            (runner._loaded.model, "forward", "forward"),
            (runner.cache, "update", "kv"),
            (runner._sampler, "sample", "sample"),
        ]
        self._step = engine._backend.step

    def __enter__(self) -> Parts:
        for owner, name, part in self._patched:
            setattr(owner, name, self._timed(getattr(owner, name), part))
        self._engine._backend.step = self._timed_step  # type: ignore[method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        for owner, name, _part in self._patched:
            delattr(owner, name)
        del self._engine._backend.step

    def _timed(self, function: Callable[..., object], part: str) -> Callable[..., object]:
        def timed(*args: object, **kwargs: object) -> object:
            start = perf_counter()
            result = function(*args, **kwargs)
            self._spent[part] += perf_counter() - start
            return result

        return functools.wraps(function)(timed)

    def _timed_step(self) -> None:
        before, start = dict(self._spent), perf_counter()
        self._step()
        seconds = perf_counter() - start
        forward, kv, sample = (self._spent[part] - before[part] for part in ("forward", "kv", "sample"))
        self._rows.append((seconds, forward - kv, kv, sample))

    def decode(self) -> tuple[float, list[float]]:
        """Median seconds of the last 20 steps, and the shares of forward, KV cache, sampler and loop."""
        total, *parts = (statistics.median(column) for column in zip(*self._rows[-20:], strict=True))
        return total, [part / total for part in parts] + [1 - sum(parts) / total]


def main() -> None:
    """Print the tables."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--quick", action="store_true", help="tiny-coder alone, fewer runs")
    quick = arguments.parse_args().quick
    runs = 3 if quick else 5
    print(f"{platform.processor() or platform.machine()}, torch {torch.__version__}, {torch.get_num_threads()} cores\n")
    print("| work | against | ours / theirs | ratio |\n|---|---|---|---|")
    engine = Engine(TINY, "float32")
    batch_one(engine, "tiny-coder fp32", 256, runs)
    batched(engine, "tiny-coder fp32", 64, runs)
    shared_prefix(engine, runs)
    step_costs(Engine(TINY, "float32"))
    if not quick:
        with tempfile.TemporaryDirectory() as folder:
            large = Engine(random_qwen(folder), "bfloat16")
            batch_one(large, "370 M Qwen2 bf16", 64, 3)


def _quiet(*_: object, **__: object) -> None: ...


if __name__ == "__main__":
    main()
