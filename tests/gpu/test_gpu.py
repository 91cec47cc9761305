"""What only an NVIDIA GPU can show. `pytest -m gpu tests/gpu`; skipped where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter

import pytest
import torch

from playground import paths
from playground.engine.backends.transformers.backend import TransformersBackend
from playground.protocol.commands import GenerationRequest, LoadModel, SamplingParams, SetOptions, Submit
from playground.protocol.events import Event, OptionsApplied, TokensGenerated
from playground.protocol.options import EngineOptions

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA GPU here"),
]
PROMPTS = ["def add_numbers(a, b):\n", "def area(width, height):\n" * 8, "write a function that reverses a list"]


class Engine:
    """The transformers engine on cuda:0, in this process."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.backend = TransformersBackend(self.events.append)
        options = EngineOptions(device="cuda:0", dtype="float32")
        self.backend.load(LoadModel(model=str(paths.bundled_model()), options=options), _quiet)

    def set(self, **changes: str) -> OptionsApplied:
        self.backend.set_options(SetOptions(changes=dict(changes)), _quiet)
        return next(event for event in reversed(self.events) if isinstance(event, OptionsApplied))

    def run(self) -> dict[str, list[int]]:
        self.events.clear()
        sampling = SamplingParams(max_tokens=48, ignore_eos=True)
        requests = [GenerationRequest(request_id=p, prompt=p, sampling=sampling) for p in PROMPTS]
        self.backend.submit(Submit(requests=requests), perf_counter())
        while self.backend.busy:
            self.backend.step()
        tokens: dict[str, list[int]] = {prompt: [] for prompt in PROMPTS}
        for event in self.events:
            if isinstance(event, TokensGenerated):
                tokens[event.request_id] += event.token_ids
        return tokens


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine()
    yield engine
    engine.backend.unload()


def test_greedy_tokens_equal_generate(engine: Engine) -> None:
    live = engine.backend._live
    assert live
    ours = engine.run()
    for prompt in PROMPTS:
        ids = live.loaded.tokenizer.encode(GenerationRequest(request_id="x", prompt=prompt))
        inputs = torch.tensor([ids], device="cuda:0")
        theirs = live.loaded.model.generate(
            inputs, max_new_tokens=48, do_sample=False, eos_token_id=None, pad_token_id=0
        )
        assert ours[prompt] == theirs[0, len(ids) :].tolist()


@pytest.mark.parametrize("attention", ["eager", "sdpa-math", "sdpa-flash"])
def test_attention_gives_the_same_tokens_and_is_read_back(engine: Engine, attention: str) -> None:
    before = engine.run()
    applied = engine.set(attention=attention)
    assert engine.run() == before
    assert applied.effective["attention_decode"] in (attention, "sdpa-efficient", "sdpa-math")
    if applied.effective["attention_decode"] != attention:
        assert applied.reasons["attention"]


@pytest.mark.parametrize("kind", ["int8", "nf4"])
def test_weights_switch_and_return_exactly(engine: Engine, kind: str) -> None:
    before = engine.run()
    there = engine.set(weights=kind)
    assert there.effective["weights"] == kind
    assert there.after.weights < there.before.weights
    assert (there.after.allocated or 0) < (there.before.allocated or 0)
    engine.run()
    engine.set(weights="model")
    assert engine.run() == before


@pytest.mark.parametrize("kind", ["int8", "int4", "int2"])
def test_quantized_kv_runs_and_takes_fewer_bytes(engine: Engine, kind: str) -> None:
    engine.run()
    full = engine.backend._engine.core.kv_peak
    engine.backend._engine.core.kv_peak = 0
    engine.set(kv_cache=kind)
    engine.run()
    assert 0 < engine.backend._engine.core.kv_peak < full


def _quiet(*_: object, **__: object) -> None: ...
