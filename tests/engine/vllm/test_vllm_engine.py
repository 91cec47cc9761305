"""vLLM through a real worker: its tokens, its steps, its blocks, its switches. The order saves restarts."""

from __future__ import annotations

import re
import time
from pathlib import Path

import msgspec
import psutil
import pytest

from playground import paths
from playground.bench.compare.likeliest import least_kl
from playground.engine.backends.vllm.references import NO_REFERENCE
from playground.engine.backends.vllm.support import FOUR_BIT
from playground.protocol.commands import (
    Abort,
    CancelLoad,
    GenerationRequest,
    LoadModel,
    MapBlocks,
    ResetPrefixCache,
    Score,
    SetOptions,
    Submit,
    Tokenize,
)
from playground.protocol.events import (
    BlocksMapped,
    Failed,
    LoadCancelled,
    MemoryMeasured,
    ModelLoaded,
    ModelLoading,
    OptionsApplied,
    RequestFinished,
    Scored,
    Tokenized,
    TokensGenerated,
)
from playground.protocol.steps import Step
from tests.engine.transformers.driven import Driven
from tests.engine.transformers.faults.live_worker import line_of, load_command, request
from tests.engine.vllm.conftest import OPTIONS, VllmWorker
from tests.engine.vllm.quantized import write_config, write_torn, write_vast, write_w8a8

PROMPTS = ["def add(a, b):", "def biggest(values):\n", "def shout(text):\n    "]
REPETITIVE = "def add(a, b):\n    return a + b\n\n\n" * 3
BUSY = ("prefill", "decode")
ROOM = 400 * 2**20


def asked(name: str, **sampling):
    return [request(f"{name}{index}", prompt, **sampling) for index, prompt in enumerate(PROMPTS)]


def computed(steps: list[Step], request_id: str, phase: str) -> list[int]:
    """Tokens of a request in each step that had it in this phase."""
    works = [work for step in steps for work in step.slots if work.request_id == request_id and work.phase == phase]
    return [work.tokens for work in works]


def test_the_first_answers_are_compared_with_transformers(worker):
    effective = worker.of(OptionsApplied)[0].effective
    assert effective["verified"] == "verified"
    assert effective["verified_facts"] == "24 of 24 greedy tokens as transformers in float32"
    assert worker.of(ModelLoaded)[0].facts.parameters == 3672320


def test_greedy_tokens_are_those_of_the_transformers_engine(worker):
    requests = asked("same", max_tokens=32)
    expected = Driven(paths.bundled_model()).run(requests)
    assert worker.generate(*requests) == expected
    assert [len(ids) for ids in expected] == [32] * 3


def test_an_answer_ends_at_eos_as_in_the_transformers_engine(worker):
    requests = asked("eos", max_tokens=64, ignore_eos=False)
    driven = Driven(paths.bundled_model())
    assert worker.generate(*requests) == driven.run(requests)
    ends = [event.reason for event in worker.of(RequestFinished)[-3:]]
    assert sorted(ends) == sorted(driven.finished(each.request_id).reason for each in requests)
    assert "stop" in ends


def test_every_step_tells_who_was_in_it_and_every_block_is_counted(worker):
    since = len(worker.events)
    ends = worker.finish(*asked("rows", max_tokens=12))
    steps = worker.steps(since, *(end.request_id for end in ends))
    for end in ends:
        prefill, decode = (computed(steps, end.request_id, phase) for phase in BUSY)
        assert sum(prefill) + end.metrics.cached_tokens == end.metrics.prompt_tokens
        assert decode == [1] * 11
    assert all(step.blocks_used + step.blocks_free + step.blocks_cached == 64 for step in steps)
    assert [step.index for step in steps] == list(range(steps[0].index, steps[0].index + len(steps)))
    assert all(len(step.slots) == 8 for step in steps)
    assert steps[-1].blocks_used == 0 and len(steps[-1].finished) > 0
    per_block = worker.of(ModelLoaded)[-1].facts.kv_bytes_per_token * 32
    assert all(step.kv_bytes == step.blocks_used * per_block for step in steps)


def test_a_long_prefill_is_cut_to_the_budget(worker):
    applied = worker.set(token_budget=32)
    assert applied.cost == "instant" and applied.effective["token_budget"] == "32"
    since = len(worker.events)
    worker.finish(request("cut", list(range(5, 105)), max_tokens=2))
    assert computed(worker.steps(since, "cut"), "cut", "prefill") == [32, 32, 32, 4]
    worker.set(token_budget=256)


def test_fewer_slots_hold_the_others_back_and_cost_nothing(worker):
    applied = worker.set(max_batch=2)
    assert applied.cost == "instant" and applied.seconds < 1
    since = len(worker.events)
    worker.finish(*asked("slot", max_tokens=6))
    steps = worker.steps(since, "slot2")
    assert max(sum(work.phase in BUSY for work in step.slots) for step in steps) == 2
    assert any(step.waiting == ["slot2"] for step in steps)


def test_a_known_prefix_is_not_computed_again_until_it_is_forgotten(worker):
    prompt = list(range(200, 300))
    worker.finish(request("cold", prompt))
    warm = worker.finish(request("warm", prompt))[0]
    worker.send(ResetPrefixCache())
    forgotten = worker.finish(request("forgotten", prompt))[0]
    assert (warm.metrics.cached_tokens, forgotten.metrics.cached_tokens) == (96, 0)


def test_an_abort_frees_its_blocks_and_a_step_shows_it(worker):
    worker.send(ResetPrefixCache())
    since = len(worker.events)
    worker.send(Submit(requests=[request("gone", list(range(300, 400)), max_tokens=1900)]))
    worker.wait(TokensGenerated)
    worker.send(MapBlocks())
    table = worker.wait(BlocksMapped).tables["gone"]
    assert len(table.blocks) >= 4 and table.tokens >= 100 and max(table.blocks) < 64
    sent = time.monotonic()
    worker.send(Abort(request_id="gone"))
    end = worker.wait(RequestFinished)
    assert end.reason == "abort" and time.monotonic() - sent < 2
    assert worker.wait(MemoryMeasured, when=lambda event: event.memory.kv_used == 0).memory.kv_reserved > 0
    steps = worker.steps(since, "gone")
    shown = next(step for step in steps if "gone" in step.finished)
    assert shown.blocks_used == 0 and any(step.blocks_used >= 4 for step in steps)


def test_stop_strings_and_seeds_hold(worker):
    since = len(worker.events)
    end = worker.finish(request("stop", PROMPTS[0], max_tokens=64, stop=["return"]))[0]
    text = "".join(event.text for event in worker.events[since:] if isinstance(event, TokensGenerated))
    assert end.reason == "stop" and "return" not in text and text
    sampled = [worker.generate(request(f"seed{n}", temperature=1.5, seed=7, max_tokens=16))[0] for n in range(2)]
    assert sampled[0] == sampled[1]
    assert sampled[0] != worker.generate(request("seed2", temperature=1.5, seed=8, max_tokens=16))[0]


def test_a_seed_holds_in_a_prompt_that_is_prefilled_in_several_steps(worker):
    asked = [request(f"long{n}", list(range(1, 700)), temperature=1.5, seed=7, max_tokens=16) for n in range(2)]
    first, second = (worker.generate(each)[0] for each in asked)
    assert first == second and first


def test_scores_are_those_of_the_transformers_engine(worker):
    worker.send(Tokenize(key="t", texts=[REPETITIVE]))
    ids = worker.wait(Tokenized).token_ids[0]
    worker.send(Score(key="s", token_ids=ids, likeliest=20))
    ours = worker.wait(Scored, Failed)
    driven = Driven(paths.bundled_model())
    driven.backend.score(Score(key="s", token_ids=ids, likeliest=20), lambda: None)
    theirs = driven.of(Scored)[0]
    assert ours.top == theirs.top and ours.nll == pytest.approx(theirs.nll, abs=1e-3)
    for row, other in zip(ours.likeliest, theirs.likeliest, strict=True):
        assert len(row) >= 20 and least_kl(row, other) < 1e-5


@pytest.mark.parametrize(
    ("toggle", "value", "reason"),
    [
        ("kv_cache", "int8", "garbage"),
        ("kv_cache", "int2", "transformers engine"),
        ("attention", "flash_attention_2", "always uses CPU_ATTN"),
        ("weights", "int8", "compressed-tensors"),
        ("weights", "fp8", "float16 or bfloat16"),
        ("batching", "static", "continuously"),
        ("block_size", 16, "multiple of 32"),
        ("kv_blocks", "99999999", "lower kv_blocks; at most"),
    ],
)
def test_what_vllm_would_ignore_or_corrupt_is_refused_with_the_reason(worker, toggle, value, reason):
    assert reason in worker.refusal(SetOptions(changes={toggle: value}))
    capable = worker.of(ModelLoaded)[-1].capabilities.toggle(toggle).find(str(value))
    assert capable is None or toggle == "weights" or reason in capable.reason


def test_a_request_that_can_never_fit_is_refused_with_the_numbers(worker):
    end = worker.finish(request("huge", max_tokens=5000))[0]
    assert end.reason == "error" and "KV blocks and there are 64" in end.message


def refused_load(worker: VllmWorker, command: LoadModel) -> str:
    """The line of a refused load; the previous model is announced again after it."""
    line = worker.refusal(command)
    worker.wait(OptionsApplied)
    return line


def test_a_load_that_is_refused_before_the_start_disturbs_nothing(worker, tmp_path: Path):
    worker.send(Submit(requests=[request("on", max_tokens=200)]))
    worker.wait(TokensGenerated)
    line = refused_load(worker, load_command("/nowhere"))
    assert line.startswith("there is no folder /nowhere; tiny-coder is loaded as before; ")
    line = refused_load(worker, load_command(paths.bundled_model(), kv_blocks="99999999"))
    assert "are free beside the weights; tiny-coder is loaded as before; lower kv_blocks; at most" in line
    line = refused_load(worker, load_command(write_vast(tmp_path / "vast"), kv_blocks="64"))
    assert line.startswith("the weights need 512 GiB and ") and line.endswith("; choose a smaller checkpoint")
    assert worker.wait_end("on").reason == "length"


def test_a_load_that_vllm_refuses_brings_the_model_before_back(worker, tmp_path: Path):
    plain = worker.generate(request("before"))
    worker.send(load_command(write_torn(tmp_path / "torn"), **OPTIONS))
    worker.send(Submit(requests=[request("meant")]))  # for the model that does not come
    end = worker.wait_end("meant")
    assert (end.reason, end.message) == ("error", "the model that this was for could not be loaded")
    line = line_of(worker.of(Failed)[-1])
    assert line.startswith("vLLM cannot start torn: ") and "; tiny-coder is loaded as before; " in line
    assert worker.of(ModelLoaded)[-1].facts.name == "tiny-coder"
    assert worker.of(OptionsApplied)[-1].effective["verified"] == "verified"
    assert worker.generate(request("after")) == plain


def test_a_start_is_cancelled_and_the_model_before_starts_in_its_place(worker: VllmWorker, tmp_path: Path):
    plain = worker.generate(request("then"))
    other = write_config(tmp_path / "other", {})
    worker.send(load_command(other, **OPTIONS))
    worker.wait(ModelLoading, when=lambda event: event.stage == "weights")
    worker.send(CancelLoad())  # what Esc sends; the screen then asks for the model before
    assert worker.wait(LoadCancelled, ModelLoaded) == LoadCancelled(model=str(other))
    worker.load(paths.bundled_model(), **OPTIONS)
    assert worker.of(OptionsApplied)[-1].effective["verified"] == "verified"
    assert worker.generate(request("again")) == plain


def test_out_of_memory_at_a_start_is_one_line_of_what_to_lower_and_what_would_fit(worker: VllmWorker):
    process, block = psutil.Process(worker.pid), worker.of(ModelLoaded)[-1].facts.kv_bytes_per_token * 32
    (plain,), since = worker.generate(request("alone", REPETITIVE, max_tokens=60)), len(worker.events)
    memory, many = process.memory_info(), str(ROOM // block * 2)
    try:
        process.rlimit(psutil.RLIMIT_AS, (memory.vms + ROOM, -1))  # seen before anything is stopped
        line = worker.refusal(SetOptions(changes={"kv_blocks": many}))
        said = re.fullmatch(rf"{many} KV blocks need .* MiB are free beside the weights; lower kv_blocks; (.*)", line)
        fits = int(said[1].removeprefix("at most ").removesuffix(" would fit"))
        assert ROOM // 2 < fits * block < ROOM
        process.rlimit(psutil.RLIMIT_AS, (-1, -1))
        process.rlimit(psutil.RLIMIT_DATA, (memory.data + ROOM, -1))  # seen by nobody until it is reached
        worker.send(Submit(requests=[request("flies", REPETITIVE, max_tokens=60)]))
        worker.wait(TokensGenerated)
        line = worker.refusal(SetOptions(changes={"kv_blocks": many}))
    finally:
        process.rlimit(psutil.RLIMIT_AS, (-1, -1))
        process.rlimit(psutil.RLIMIT_DATA, (-1, -1))
    assert line.startswith("vLLM cannot start tiny-coder: out of memory: ") and "MiB more were asked for" in line
    assert line.endswith(f"; lower kv_blocks, which is {many}")
    assert worker.wait_end("flies").reason == "length" and worker.output("flies", since) == plain
    asked = worker.finish(request("still"), request("vast", max_tokens=2100))
    assert (asked[0].reason, asked[1].reason) == ("length", "error") and "and there are 64; " in asked[1].message


def stop_a_restart(worker: VllmWorker, *requests: GenerationRequest) -> int:
    """Stop a restart while these run, with vLLM almost ready; again if that was too late. Returns where its events
    begin."""
    while True:
        since = len(worker.events)
        worker.send(Submit(requests=list(requests)))
        worker.wait(TokensGenerated)
        worker.send(SetOptions(changes={"prefix_cache": not worker.of(OptionsApplied)[-1].requested.prefix_cache}))
        worker.wait(ModelLoading, when=lambda event: "reserving the KV pool" in event.detail)
        worker.send(CancelLoad())
        answer = worker.wait(Failed, OptionsApplied)
        if isinstance(answer, Failed):
            assert line_of(answer) == "the switch was stopped; vLLM runs as before"
            return since
        worker.send(Abort())
        for each in requests:
            worker.wait_end(each.request_id)


def test_requests_in_flight_live_through_a_restart_that_is_stopped(worker: VllmWorker):
    worker.send(ResetPrefixCache())
    plain = worker.generate(request("calm", REPETITIVE, max_tokens=60), request("prompt"))
    delayed = msgspec.structs.replace(request("delayed"), delay_s=0.5)
    since = stop_a_restart(worker, request("cut", REPETITIVE, max_tokens=60), delayed)
    assert [worker.wait_end(name).reason for name in ("cut", "delayed")] == ["length", "length"]
    assert [worker.output(name, since) for name in ("cut", "delayed")] == plain
    assert any("cut" in step.preempted for step in worker.steps(since))
    assert worker.generate(request("next")) == plain[1:]


def test_a_restart_takes_requests_along_shows_its_price_and_its_stages(worker):
    worker.send(ResetPrefixCache())
    plain = worker.generate(request("plain", REPETITIVE, max_tokens=60))[0]
    since = len(worker.events)
    worker.send(Submit(requests=[request("large", max_tokens=1200), request("moved", REPETITIVE, max_tokens=60)]))
    worker.wait(TokensGenerated, when=lambda event: event.request_id == "moved")
    applied = worker.set(speculation="lookup:4", kv_blocks="32")
    end = worker.wait_end("large")  # the new pool is too small for it
    said = "vLLM started anew, and now 7 prompt + 1200 new tokens need 38 KV blocks and there are 32; raise kv_blocks"
    assert end.reason == "error" and end.message.startswith(said) and end.metrics.output_tokens > 0
    worker.wait_end("moved")
    assert applied.cost == "reload" and applied.effective["speculation"] == "lookup:4"
    assert worker.output("moved", since) == plain
    stages = [event.stage for event in worker.events[since:] if isinstance(event, ModelLoading)]
    assert [stage for stage in ("config", "weights", "warm-up") if stage in stages] == ["config", "weights", "warm-up"]
    works = [work for step in worker.steps(since, "moved") for work in step.slots if work.speculated]
    assert works and sum(work.accepted for work in works) > 0
    assert any("moved" in step.preempted for step in worker.steps(since))
    price = worker.of(ModelLoaded)[-1].capabilities.toggle("speculation").seconds
    assert price is not None and 0 < price < 60


def test_kv_in_fp8_holds_twice_the_tokens_or_says_why_it_cannot(worker):
    support = worker.of(ModelLoaded)[-1].capabilities.toggle("kv_cache").find("fp8")
    if not support.possible:
        assert "AVX-512" in support.reason and "avx512f" not in Path("/proc/cpuinfo").read_text()
        assert support.reason in worker.refusal(SetOptions(changes={"kv_cache": "fp8"}))
        return
    before = worker.of(ModelLoaded)[-1].facts.kv_bytes_per_token
    applied = worker.set(kv_cache="fp8", speculation="off")
    assert applied.effective["kv_cache"] == "fp8"
    assert before / worker.of(ModelLoaded)[-1].facts.kv_bytes_per_token == 4
    assert len(worker.generate(request("fp8", max_tokens=16))[0]) == 16


def test_with_in_flight_set_to_end_a_restart_ends_requests_with_a_clear_word(worker: VllmWorker):
    worker.load(paths.bundled_model(), in_flight="end", **OPTIONS)
    worker.send(Submit(requests=[request("lost", max_tokens=1900)]))
    worker.wait(TokensGenerated)
    worker.set(prefix_cache=False)
    end = worker.wait_end("lost")
    assert end.reason == "abort" and "in_flight" in end.message
    stop_a_restart(worker, request("lost too", max_tokens=1900))
    end = worker.wait_end("lost too")
    assert end.reason == "abort" and "in_flight" in end.message
    assert len(worker.generate(request("next"))[0]) == 8


def test_a_checkpoint_in_int8_runs_as_it_is_stored_and_its_first_start_is_unverified(
    session_worker: VllmWorker, tmp_path: Path
):
    worker, folder = session_worker, write_w8a8(tmp_path / "w8a8")
    facts = worker.load(folder, device="cpu", kv_blocks="64").facts
    applied = worker.of(OptionsApplied)[-1]
    assert (applied.effective["weights"], applied.effective["dtype"]) == ("compressed-tensors", "bfloat16")
    assert applied.reasons["weights"].startswith("the checkpoint brings compressed-tensors; ")
    assert facts.weights_bytes == pytest.approx((folder / "model.safetensors").stat().st_size, rel=0.01)
    assert (applied.effective["verified"], applied.effective["verified_facts"]) == ("unverified", NO_REFERENCE)
    since = len(worker.events)
    worker.finish(request("int8", PROMPTS[0], max_tokens=24))
    text = "".join(event.text for event in worker.events[since:] if isinstance(event, TokensGenerated))
    assert "return a + b" in text
    assert "already brings compressed-tensors" in worker.refusal(SetOptions(changes={"weights": "fp8"}))
    again = worker.set(prefix_cache=False).effective
    assert again["verified_facts"] == "24 of 24 greedy tokens as vLLM with its toggles as they come"


@pytest.mark.parametrize("method", FOUR_BIT)
def test_packed_weights_say_which_instructions_they_lack(session_worker: VllmWorker, tmp_path: Path, method: str):
    if "avx512f" in Path("/proc/cpuinfo").read_text():
        pytest.skip("this processor has what vLLM's kernels need")
    quantization = {"quant_method": method, "bits": 4, "group_size": 64, "sym": True, "zero_point": True}
    kept = session_worker.of(ModelLoaded)[-1].facts.name
    assert refused_load(session_worker, load_command(write_config(tmp_path / method, quantization))) == (
        f"{method} cannot run here: on an x86 CPU vLLM's kernels for packed weights ({method}) need AVX-512, and this"
        f" one lacks it; {kept} is loaded as before; take one in W8A8, or not quantized"
    )
