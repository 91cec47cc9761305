"""What only an NVIDIA GPU can show. `pytest -m gpu tests/gpu`; skipped where there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import DynamicCache, Qwen2Config, Qwen2ForCausalLM

from playground import paths
from playground.engine.backends.transformers.attention.varlen import Ragged, packing
from playground.engine.backends.transformers.backend import TransformersBackend
from playground.engine.backends.transformers.facts import facts
from playground.engine.device import uuid_of
from playground.engine.memory import available
from playground.protocol.commands import GenerationRequest, LoadModel, SamplingParams, SetOptions, Submit
from playground.protocol.events import Event, OptionsApplied, StepsExecuted, TokensGenerated
from playground.protocol.options import EngineOptions
from playground.telemetry.devices import find_gpu
from playground.telemetry.nvml import Nvml

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA GPU here"),
]
PROMPTS = ["def add_numbers(a, b):\n", "def area(width, height):\n" * 8, "write a function that reverses a list"]


class Engine:
    """The transformers engine on cuda:0, in this process."""

    def __init__(self, dtype: str = "float32", model: str = str(paths.bundled_model()), **options: str) -> None:
        self.events: list[Event] = []
        self.backend = TransformersBackend(self.events.append)
        asked = EngineOptions(device="cuda:0", dtype=dtype, **options)  # type: ignore[arg-type]
        self.backend.load(LoadModel(model=model, options=asked), _quiet)

    def set(self, **changes: str) -> OptionsApplied:
        self.backend.set_options(SetOptions(changes=dict(changes)), _quiet)
        return next(event for event in reversed(self.events) if isinstance(event, OptionsApplied))

    def run(self, prompts: list[str] = PROMPTS) -> dict[str, list[int]]:
        self.events.clear()
        sampling = SamplingParams(max_tokens=48, ignore_eos=True)
        requests = [GenerationRequest(request_id=p, prompt=p, sampling=sampling) for p in prompts]
        self.backend.submit(Submit(requests=requests), perf_counter())
        while self.backend.busy:
            self.backend.step()
        tokens: dict[str, list[int]] = {prompt: [] for prompt in prompts}
        for event in self.events:
            if isinstance(event, TokensGenerated):
                tokens[event.request_id] += event.token_ids
        return tokens


Make = Callable[..., Engine]


@pytest.fixture
def make() -> Iterator[Make]:
    """Engines that are unloaded after the test, whatever became of it."""
    made: list[Engine] = []

    def make(*args: str, **options: str) -> Engine:
        made.append(Engine(*args, **options))
        return made[-1]

    yield make
    for engine in made:
        engine.backend.unload()


@pytest.fixture
def engine(make: Make) -> Engine:
    return make()


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
    allocated = torch.cuda.memory_allocated(0)
    there = engine.set(weights=kind)
    assert there.effective["weights"] == kind
    assert there.after.weights < there.before.weights
    assert (there.after.allocated or 0) < (there.before.allocated or 0)
    converted = engine.run()
    back = engine.set(weights="model")
    assert abs((back.after.allocated or 0) - allocated) < 2**20
    assert engine.run() == before
    again = engine.set(weights=kind)
    assert again.after.weights == there.after.weights
    assert abs((again.after.allocated or 0) - (there.after.allocated or 0)) < 2**20
    assert engine.run() == converted


def test_what_a_switch_frees_is_seen_by_nvml(tmp_path: Path, make: Make) -> None:
    """Large layers with biases: the KV cache is small and fixed, so only weights move."""
    engine = make("bfloat16", checkpoint(tmp_path), kv_blocks="64")
    ran = engine.run(PROMPTS[:1])
    for kind in ("int8", "nf4"):
        engine.set(weights=kind)
        engine.run(PROMPTS[:1])  # what libraries load and keep the first time is no weight
        engine.set(weights="model")
        before = used_by_nvml()
        applied = engine.set(weights=kind)
        freed = (applied.before.weights or 0) - (applied.after.weights or 0)
        assert freed > 250 * 2**20
        # The allocator cuts its segments where codes take the place of weights, and gives back whole ones.
        assert before - used_by_nvml() == pytest.approx(freed, rel=0.2)
        back = engine.set(weights="model").after
        # Where it lies in segments is the allocator's to choose; what is allocated is what it was.
        assert abs((back.allocated or 0) - (applied.before.allocated or 0)) < 2**20
        assert used_by_nvml() - before < 128 * 2**20
    assert engine.run(PROMPTS[:1]) == ran
    assert engine.set(compile=True).effective["compile"] == "on", "every tensor is where it was"
    engine.run(PROMPTS[:1])


def checkpoint(folder: Path) -> str:
    """A Qwen2 with random weights, and tiny-coder's tokenizer."""
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=4000, hidden_size=4096, intermediate_size=11008, num_hidden_layers=2, num_attention_heads=32,
        num_key_value_heads=2, max_position_embeddings=8192, tie_word_embeddings=True,
    )  # fmt: skip
    Qwen2ForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    for file in paths.bundled_model().glob("tokenizer*"):
        (folder / file.name).write_bytes(file.read_bytes())
    return str(folder)


def used_by_nvml() -> int:
    gpu = find_gpu(Nvml().sample()[0], "cuda:0", uuid=uuid_of(torch.device("cuda:0")))
    assert gpu and gpu.memory
    return gpu.memory.used


@pytest.mark.parametrize("kind", ["int8", "int4", "int2"])
def test_a_pool_in_another_dtype_takes_the_same_share(engine: Engine, kind: str) -> None:
    engine.run()
    full = int(engine.set(kv_cache="model").effective["kv_blocks"])
    more = int(engine.set(kv_cache=kind).effective["kv_blocks"])
    assert more > full * {"int8": 3, "int4": 5, "int2": 8}[kind], "beside float32"
    assert int(engine.set(kv_cache="model").effective["kv_blocks"]) == pytest.approx(full, rel=0.02)


def test_a_growing_context_is_not_planned_anew_each_step(make: Make) -> None:
    engine = make("bfloat16")
    engine.run(PROMPTS[:1])  # kernels are loaded
    start = perf_counter()
    engine.run(["write a function that adds two numbers and three more of them"])
    assert (perf_counter() - start) / 48 < 0.02
    live = engine.backend._live
    assert live and live.attention.effective == {"prefill": "sdpa-flash", "decode": "sdpa-flash"}


@pytest.mark.parametrize("kind", ["fp8", "int8", "int4", "int2"])
def test_quantized_kv_runs_and_takes_fewer_bytes(engine: Engine, kind: str) -> None:
    engine.run()
    full = engine.backend._engine.core.kv_peak
    engine.backend._engine.core.kv_peak = 0
    engine.set(kv_cache=kind)
    engine.run()
    assert 0 < engine.backend._engine.core.kv_peak < full


def test_flash_attention_of_pytorch_in_bfloat16(make: Make) -> None:
    engine = make("bfloat16")
    engine.set(attention="sdpa-flash")
    engine.run(PROMPTS[:1])
    live = engine.backend._live
    assert live and live.attention.effective == {"prefill": "sdpa-flash", "decode": "sdpa-flash"}


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("kind", ["model", "int8"])
def test_ragged_batches_run_flash_through_varlen(dtype: str, kind: str, make: Make) -> None:
    engine = make(dtype, kv_cache=kind, attention="sdpa-flash")
    live = engine.backend._live
    assert live and live.attention._why_masks == "", "tried at load, and right"
    packed = engine.run()
    decode = set(live.attention.effective["decode"].split(" + "))
    assert "flash-varlen" in decode and decode <= {"sdpa-flash", "flash-varlen"}
    ran = kernels(lambda: engine.run())
    assert ran.get("torch_attn::_varlen_attn", 0) > 0
    if kind == "model":  # the stored view of a long prompt keeps its mask
        assert not live.reasons().get("attention")
        assert not any("efficient_attention" in name for name in ran), "no mask was used"
    engine.set(attention="sdpa-math")
    masked = engine.run()
    # 16 bits leave near ties, which sums in another order decide: each answer agrees for its first tokens at least.
    for prompt in PROMPTS:
        assert packed[prompt][:8] == masked[prompt][:8]


def test_logits_through_varlen_are_those_under_a_mask(make: Make) -> None:
    """Joint prefill, decode and drafts of two rows: 16 bits keep logits to hundredths, a key too many does not."""
    engine = make("bfloat16", attention="sdpa-flash")
    live = engine.backend._live
    assert live and live.attention.varlen and live.core.runner.plain_decoder
    caches, logits = (DynamicCache(), DynamicCache()), []
    decoder, device, lengths = live.core.runner.plain_decoder, torch.device("cuda:0"), [0, 0]
    with torch.inference_mode(), sdpa_kernel([SDPBackend.MATH]):
        for counts in ((9, 40), (1, 1), (4, 4)):
            lengths = [length + count for length, count in zip(lengths, counts, strict=True)]
            columns, queries = max(lengths), max(counts)
            at = [[max(0, place) for place in range(length - queries, length)] for length in lengths]
            positions = torch.tensor(at, device=device)
            ids = 5 + positions * 37 % 900
            columns_at, pads = torch.arange(columns), columns - torch.tensor(lengths)[:, None, None, None]
            own = columns_at[columns - queries :, None]
            shown = ((columns_at >= pads) & (columns_at <= own)) | (own < pads)
            mask = torch.zeros(shown.shape, dtype=torch.bfloat16).masked_fill(~shown, -torch.inf).to(device)
            packed = Ragged(packing(counts, device), packing(lengths, device), live.attention.varlen)
            logits.append(
                [decoder(ids, positions, seen, cache) for seen, cache in zip((packed, mask), caches, strict=True)]
            )
    for ours, theirs in logits:
        spread = float(theirs.float().std())
        assert float((ours - theirs).abs().max()) < 0.1 * spread


def test_compiled_steps_replay_graphs_with_the_same_tokens(engine: Engine) -> None:
    from torch._dynamo.utils import counters

    before = engine.run()
    counters.clear()
    assert engine.set(compile=True).effective["compile"] == "on"
    assert engine.run() == before == engine.run()
    live = engine.backend._live
    assert live and live.compile.compiled and live.compile.compiled.recompiled == 0
    assert counters["inductor"]["cudagraph_skips"] == 0
    names = kernels(lambda: engine.run(PROMPTS[:1]))
    assert names.get("cudaGraphLaunch", 0) >= 47  # one step after the first token at least launches one
    engine.set(compile=False)
    assert engine.run() == before
    assert "cudaGraphLaunch" not in kernels(lambda: engine.run(PROMPTS[:1]))


def kernels(work: Callable[[], object]) -> dict[str, int]:
    """How often each CUDA call and kernel was seen by PyTorch's profiler."""
    with torch.profiler.profile(activities=[*torch.profiler.supported_activities()]) as profile:
        work()
    return {event.key: event.count for event in profile.key_averages()}


def test_nvml_and_the_allocator_speak_of_one_card(engine: Engine) -> None:
    gpus, reason = Nvml().sample()
    assert not reason
    assert engine.backend._live
    gpu = find_gpu(gpus, "cuda:0", uuid=facts(engine.backend._live).device_uuid)
    assert gpu and gpu.memory and gpu.name == torch.cuda.get_device_name(0)
    free, total = torch.cuda.mem_get_info(0)
    assert gpu.memory.used >= torch.cuda.memory_reserved(0)
    assert abs(gpu.memory.free - free) < 2**30 and abs(gpu.memory.total - total) < 2**30
    assert gpu.board and gpu.board.power_watts
    assert gpu.parent or gpu.board.utilization_percent is not None, "a card in MIG mode tells none"


def test_a_step_lasts_until_the_gpu_has_done_it(engine: Engine) -> None:
    """The prefill of a part of a prompt samples nothing, so that nothing else waits."""
    engine.set(token_budget="64")
    request = GenerationRequest(request_id="long", prompt=PROMPTS[1] * 8, sampling=SamplingParams(max_tokens=2))
    engine.backend.submit(Submit(requests=[request]), perf_counter())
    for _ in range(3):
        engine.backend.step()
        assert torch.cuda.current_stream().query()
    while engine.backend.busy:
        engine.backend.step()


def test_another_dtype_leaves_nothing_of_the_model_before(make: Make) -> None:
    engine = make(kv_blocks="64")
    engine.run(PROMPTS[:1])
    engine.set(compile=True)
    engine.run(PROMPTS[:1])
    before = torch.cuda.memory_reserved(0)
    halved = engine.set(dtype="bfloat16", compile=False).after
    assert halved.peak is not None and halved.peak <= (halved.reserved or 0) < before


def test_a_mask_keeps_a_fused_kernel_where_heads_share_keys(make: Make) -> None:
    engine = make("bfloat16")
    engine.run()
    live = engine.backend._live
    assert live and "sdpa-math" not in "".join(live.attention.effective.values())


def test_unload_gives_the_memory_back(make: Make) -> None:
    square = torch.ones(64, 64, device="cuda:0")
    square @ square  # cuBLAS keeps a workspace from its first product on
    del square
    torch.cuda.empty_cache()
    before = torch.cuda.memory_allocated(0)
    engine = make()
    engine.run()
    assert torch.cuda.memory_allocated(0) > before
    engine.backend.unload()
    assert torch.cuda.memory_allocated(0) - before < 2**20


def test_what_pytorch_holds_free_is_available() -> None:
    device = torch.device("cuda:0")
    before = available(device)
    held = torch.empty(2**28, dtype=torch.uint8, device=device)
    assert before and abs(before - (available(device) or 0) - held.nbytes) < 2**24
    del held
    assert abs(before - (available(device) or 0)) < 2**24


def test_every_number_of_rows_is_recorded_in_the_warm_up(make: Make) -> None:
    engine = make(compile="on", max_batch="4")
    live = engine.backend._live
    assert live and live.compile.decoder
    steps: list[float] = []
    for rows in (1, 2, 3, 4):
        engine.run([f"def f{row}(a, b):\n" for row in range(rows)])
        seconds = [step.seconds for event in engine.events if isinstance(event, StepsExecuted) for step in event.steps]
        steps.append(max(seconds[1:]))
    assert max(steps) < 0.05, "none is recorded in a step"


def _quiet(*_: object, **__: object) -> None: ...
