"""What `bench_engine.py` compares: our engine, and a stock model under `generate` and transformers' own batching."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import signature
from math import nan
from pathlib import Path
from time import perf_counter, process_time

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    ContinuousBatchingConfig,
    GenerationConfig,
    PreTrainedModel,
)

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from bench_jobs import Job  # noqa: E402

from playground.engine.backends.transformers.backend import TransformersBackend  # noqa: E402
from playground.protocol.commands import GenerationRequest, LoadModel, SamplingParams, SetOptions, Submit  # noqa: E402
from playground.protocol.events import Event, OptionsApplied, RequestFinished, TokensGenerated  # noqa: E402
from playground.protocol.options import EngineOptions  # noqa: E402

SLOTS = 8
# transformers 5.17 calls it by the older name.
PAGES = "page_size" if "page_size" in signature(ContinuousBatchingConfig).parameters else "block_size"
DEVICE = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")  # as the engine's device=auto chooses


@dataclass
class Spent:
    """Seconds on the clock, and of CPU in this process; nan where another one worked."""

    seconds: float = 0.0
    cpu: float = nan


@contextmanager
def spending() -> Iterator[Spent]:
    """What the block costs."""
    spent, seconds, cpu = Spent(), perf_counter(), process_time()
    yield spent
    if DEVICE.type == "cuda":
        torch.cuda.synchronize(DEVICE)
    spent.seconds, spent.cpu = perf_counter() - seconds, process_time() - cpu


class Engine:
    """Ours, in this process, without a pipe."""

    def __init__(self, model: str, dtype: str, **options: object) -> None:
        self.events: list[Event] = []
        self._backend = TransformersBackend(self.events.append)
        asked = EngineOptions(dtype=dtype, **options)  # type: ignore[arg-type]
        self._backend.load(LoadModel(model=model, options=asked), _quiet)

    def set(self, **changes: object) -> float:
        """Change toggles; returns the seconds that it took."""
        self._backend.set_options(SetOptions(changes=changes), _quiet)  # type: ignore[arg-type]
        return next(event.seconds for event in reversed(self.events) if isinstance(event, OptionsApplied))

    def run(self, jobs: list[Job]) -> Spent:
        """Token ids and numbers of new ones."""
        requests = [
            GenerationRequest(
                request_id=str(index), prompt_token_ids=ids, sampling=SamplingParams(max_tokens=new, ignore_eos=True)
            )
            for index, (ids, new) in enumerate(jobs)
        ]
        return self.serve(requests)

    def serve(self, requests: list[GenerationRequest]) -> Spent:
        """From submission to the last token."""
        self.events.clear()
        with spending() as spent:
            self._backend.submit(Submit(requests=requests), perf_counter())
            while self._backend.busy:
                self._backend.step()
        return spent

    def texts(self) -> dict[str, str]:
        """Answers of the last run, by request."""
        texts: dict[str, str] = {}
        for event in self.events:
            if isinstance(event, TokensGenerated):
                texts[event.request_id] = texts.get(event.request_id, "") + event.text
        return texts

    def ttft(self) -> float:
        """Median TTFT of the last run."""
        return statistics.median(
            event.metrics.ttft_s or 0.0 for event in self.events if isinstance(event, RequestFinished)
        )

    def tokens(self) -> int:
        """Output tokens of the last run."""
        return sum(len(event.token_ids) for event in self.events if isinstance(event, TokensGenerated))


class Stock:
    """The same checkpoint as transformers loads and runs it."""

    def __init__(self, model: str, dtype: str) -> None:
        loaded = AutoModelForCausalLM.from_pretrained(model, dtype=getattr(torch, dtype)).eval()
        self.model: PreTrainedModel = loaded.to(DEVICE)
        self._tokenizer = AutoTokenizer.from_pretrained(model)

    def generate(self, jobs: list[Job], batch: int) -> Spent:
        """`generate` in batches of `batch`, in order, each until its longest request has ended."""
        with spending() as spent, torch.inference_mode():
            for first in range(0, len(jobs), batch):
                part = jobs[first : first + batch]
                width = max(len(ids) for ids, _ in part)
                ids = torch.tensor([[0] * (width - len(ids)) + ids for ids, _ in part], device=DEVICE)
                mask = torch.tensor([[0] * (width - len(ids)) + [1] * len(ids) for ids, _ in part], device=DEVICE)
                new = max(new for _, new in part)
                self.model.generate(
                    ids, attention_mask=mask, max_new_tokens=new, do_sample=False, eos_token_id=None, pad_token_id=0
                )
        return spent

    def answer(self, prompts: list[str], most: int) -> tuple[Spent, list[str]]:
        """Prompts one by one, each until its end token."""
        texts = []
        with spending() as spent, torch.inference_mode():
            for prompt in prompts:
                asked = self._tokenizer(prompt, return_tensors="pt").to(DEVICE)
                ids, mask = asked.input_ids, asked.attention_mask
                answer = self.model.generate(ids, attention_mask=mask, max_new_tokens=most, do_sample=False)
                texts.append(self._tokenizer.decode(answer[0, ids.shape[1] :], skip_special_tokens=True))
        return spent, texts

    def continuous(self, jobs: list[Job], compile_level: int = 0) -> Spent:
        """transformers' own continuous batching. On a CPU it pads nothing and captures no graphs; the mask that it
        fills grows with blocks and tokens, so there are as many as these jobs need, and its safety margin of 15 %.
        `compile_level`: its own choice of settings for `torch.compile`; 0 compiles nothing."""
        sizes = ContinuousBatchingConfig(
            **{PAGES: 32},
            num_blocks=16 * SLOTS,
            max_batch_tokens=256,
            max_requests_per_batch=SLOTS,
            default_compile_level=compile_level,
        )
        config = GenerationConfig(max_new_tokens=512, do_sample=False, eos_token_id=-1, pad_token_id=0)
        manager = self.model.init_continuous_batching(generation_config=config, continuous_batching_config=sizes)
        manager.start()
        with spending() as spent:
            for index, (ids, new) in enumerate(jobs):
                manager.add_request(ids, request_id=str(index), max_new_tokens=new)
            done = 0
            while done < len(jobs):
                result = manager.get_result(timeout=60)
                done += result is not None and result.is_finished()
        manager.stop(block=True)
        manager.destroy()
        return spent


def _quiet(*_: object, **__: object) -> None: ...
