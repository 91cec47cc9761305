"""Speed of the engine against others' ways, side by side: `python tests/bench_engine.py [--quick] [--only TABLE]`.

Same weights, dtype, prompts, output lengths and threads; runs interleaved, medians, ratios of runs side by side, by
the clock and by CPU time, which other programs disturb less. Not a test: it never fails. `--engine vllm --python
INTERPRETER` compares with vLLM, which lives in an environment of its own.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import statistics
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from bench_contenders import DEVICE, ROOT, SLOTS, Engine, Spent, Stock, spending
from bench_jobs import Job, ragged
from transformers import Qwen2Config, Qwen2ForCausalLM

from playground.bench.code.extraction import cut
from playground.bench.code.files import BUNDLED, read_tasks
from playground.bench.code.programs import stops
from playground.headless.bench.code import CHOSEN
from playground.protocol.commands import GenerationRequest, SamplingParams

TINY = str(ROOT / "playground/models/tiny-coder")

Run = Callable[[], Spent]


def interleaved(runs: int, *contenders: Run) -> list[list[Spent]]:
    """What each run of each contender cost, in turn."""
    return [list(column) for column in zip(*([run() for run in contenders] for _ in range(runs)), strict=True)]


def row(work: str, against: str, ours: list[Spent], theirs: list[Spent], tokens: int) -> None:
    """One line of the table."""
    rates = [tokens / statistics.median(spent.seconds for spent in column) for column in (ours, theirs)]
    both = list(zip(ours, theirs, strict=True))
    ratio = statistics.median(their.seconds / our.seconds for our, their in both)
    cpu = statistics.median(their.cpu / our.cpu for our, their in both)
    shown = "–" if cpu != cpu else f"{cpu:.2f}x"
    print(f"| {work} | {against} | {rates[0]:.0f} / {rates[1]:.0f} tok/s | {ratio:.2f}x | {shown} |", flush=True)


def random_qwen(folder: str, dtype: str) -> str:
    """A Qwen2 of 370 M parameters with random weights, and tiny-coder's tokenizer."""
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=32000, hidden_size=1024, intermediate_size=2816, num_hidden_layers=24, num_attention_heads=16,
        num_key_value_heads=2, max_position_embeddings=8192, tie_word_embeddings=True,
    )  # fmt: skip
    Qwen2ForCausalLM(config).to(getattr(torch, dtype)).save_pretrained(folder)
    for file in Path(TINY).glob("tokenizer*"):
        (Path(folder) / file.name).write_bytes(file.read_bytes())
    return folder


def batch_one(engine: Engine, stock: Stock, name: str, new: int, runs: int) -> None:
    """One request, greedy."""
    job = [([5, 6, 7, 8, 9, 10], new)]
    contenders = lambda: engine.run(job), lambda: stock.generate(job, 1)
    interleaved(1, *contenders)
    row(f"batch 1, {new} tokens, {name}", "generate", *interleaved(runs, *contenders), new)


def batched(engine: Engine, stock: Stock, name: str, count: int, runs: int) -> None:
    """Ragged requests over 8 slots: every contender in turn, after a short warm-up."""
    jobs = ragged(count, 2000)

    def static(jobs: list[Job]) -> Spent:
        engine.set(batching="static")
        spent = engine.run(jobs)
        engine.set(batching="continuous")
        return spent

    def contenders(jobs: list[Job]) -> list[Run]:
        return [
            lambda: engine.run(jobs),
            lambda: stock.generate(jobs, SLOTS),
            lambda: stock.continuous(jobs),
            lambda: static(jobs),
        ]

    interleaved(1, *contenders(jobs[:2]))
    ours, generate, continuous, held = interleaved(runs, *contenders(jobs))
    tokens, label = sum(new for _, new in jobs), f"{count} ragged requests, {SLOTS} slots, {name}"
    row(label, f"generate, batches of {SLOTS}", ours, generate, tokens)
    row(label, "transformers CB", ours, continuous, tokens)
    row(f"{label}, static", f"generate, batches of {SLOTS}", held, generate, tokens)


def code_suite(engine: Engine, stock: Stock) -> None:
    """The bundled tasks' answers out of the batch, as `bench code` asks for them, and one by one; the first row is what
    it chooses by itself."""
    tasks = read_tasks(BUNDLED)
    ends = {str(index): stops(task, "base") for index, task in enumerate(tasks)}
    asked = [
        GenerationRequest(
            request_id=name, prompt=task.prompt, sampling=SamplingParams(max_tokens=512, stop=list(ends[name]))
        )
        for name, task in zip(ends, tasks, strict=True)
    ]
    engine.serve(asked[:2])
    theirs, answers = stock.answer([task.prompt for task in tasks], 512)
    for slots, drafts in (CHOSEN.values(), (SLOTS, CHOSEN["speculation"]), (32, "off"), (SLOTS, "off")):
        engine.set(max_batch=slots, speculation=drafts, prefix_cache=False)
        engine.set(prefix_cache=True)  # what an earlier row computed is forgotten
        ours, texts = engine.serve(asked), engine.texts()
        pairs = zip(ends.items(), answers, strict=True)
        same = sum(cut(texts[name], end) == cut(answer, end) for (name, end), answer in pairs)
        label = f"code suite, {slots} slots, speculation={drafts}: {same} of {len(tasks)} answers the same"
        row(label, "generate, one by one", [ours], [theirs], engine.tokens())
    engine.set(max_batch=SLOTS, speculation="off")


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
    print(f"| {label} | prefix cache off | {on * 1e3:.0f} / {off * 1e3:.0f} ms | {off / on:.2f}x | – |", flush=True)


def compiled(engine: Engine, stock: Stock, name: str, new: int, runs: int) -> None:
    """One request with compile=on, after a warm-up that is stated."""
    seconds = engine.set(compile=True)
    print(f"| compile=on, {name}: warm-up | | {seconds:.1f} s | | |", flush=True)
    batch_one(engine, stock, f"{name}, compile=on", new, runs)
    engine.set(compile=False)


def int8_switch(engine: Engine, name: str, runs: int) -> None:
    """The first switch to LLM.int8() against bitsandbytes' own conversion of the same layers, and a later one."""
    import bitsandbytes as bnb

    weights = engine._backend._live.weights  # type: ignore[union-attr]
    # Only what is still in host memory is converted by `to`.
    stored = [(layer, layer.weight.data.cpu()) for layer in weights._originals.values()]

    def theirs() -> Spent:
        with spending() as spent:
            for layer, weight in stored:
                module = bnb.nn.Linear8bitLt(
                    layer.in_features, layer.out_features, layer.bias is not None, has_fp16_weights=False, device="meta"
                )
                params = bnb.nn.Int8Params(weight, has_fp16_weights=False, requires_grad=False)
                module.weight = params.to(DEVICE)
        return spent

    def first() -> Spent:
        weights._copies.clear()
        with spending() as spent:
            engine.set(weights="int8")
        engine.set(weights="model")
        return spent

    interleaved(1, first, theirs)
    both = interleaved(runs, first, theirs)
    ours, other = (statistics.median(spent.seconds for spent in column) for column in both)
    ratio, cpu = (
        statistics.median(getattr(our, name) / getattr(their, name) for our, their in zip(*both, strict=True))
        for name in ("seconds", "cpu")
    )
    cells = f"{ours:.2f} / {other:.2f} s | {ratio:.2f}x | {cpu:.2f}x"
    print(f"| first switch to int8, {name} (time, not speed) | bitsandbytes alone | {cells} |", flush=True)
    later = []
    for _ in range(runs):
        later.append(engine.set(weights="int8"))
        engine.set(weights="model")
    print(f"| a later switch, {name} | | {statistics.median(later):.3f} s | | |", flush=True)


def against_vllm(python: str, folder: str, dtype: str, count: int, runs: int, both_compile: bool) -> None:
    """Our engine for transformers against vLLM: `count` ragged requests over 8 slots, in turn on both; each has its
    model loaded all the time."""
    threads = 1 if folder == TINY else torch.get_num_threads()  # as both engines choose for a model of its size
    command = [python, str(ROOT / "tests/bench_vllm.py"), folder, dtype, str(threads)]
    command += ["--compile"] if both_compile else []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdin and other.stdout
        told = other.stdout.readline()
        if not told:
            print(f"vLLM did not start: {' '.join(command)}")
            return
        engine, jobs = Engine(folder, dtype), ragged(count, 2000)
        torch.set_num_threads(json.loads(told)["threads"])
        if both_compile:
            engine.set(compile=True)

        def theirs(jobs: list[Job]) -> Spent:
            print(json.dumps(jobs), file=other.stdin, flush=True)
            answer = json.loads(other.stdout.readline())  # type: ignore[union-attr]
            return Spent(answer["seconds"], answer["cpu"])

        interleaved(1, lambda: engine.run(jobs[:2]), lambda: theirs(jobs[:2]))
        model = Path(folder).name if folder == TINY else "370 M Qwen2"
        label = f"{count} ragged requests, {SLOTS} slots, {model}, {dtype}, threads each: {torch.get_num_threads()}"
        spent = interleaved(runs, lambda: engine.run(jobs), lambda: theirs(jobs))
        row(label, f"vLLM {'compiled' if both_compile else 'eager'}", *spent, sum(new for _, new in jobs))
        other.stdin.close()


def steps(engine: Engine) -> None:
    """See `bench_steps`."""
    from bench_steps import step_costs  # which drives an `Engine` of this module

    step_costs(engine)


def tiny_tables(quick: bool, runs: int) -> None:
    """Everything on the bundled model. In bfloat16 only where the CPU has it: without, a product takes 100 times as
    long."""
    engine, stock = Engine(TINY, "float32"), Stock(TINY, "float32")
    batch_one(engine, stock, "tiny-coder float32", 256, runs)
    batched(engine, stock, "tiny-coder float32", 64, 1 if quick else runs)
    shared_prefix(engine, runs)
    code_suite(engine, stock)
    if not quick:
        compiled(engine, stock, "tiny-coder float32", 256, runs)
        if usual_dtype() == "bfloat16":
            batch_one(Engine(TINY, "bfloat16"), Stock(TINY, "bfloat16"), "tiny-coder bfloat16", 256, runs)
        steps(Engine(TINY, "float32"))


def large_tables(folder: str, dtype: str, runs: int) -> None:
    """Everything on a model of a real size."""
    engine, stock, name = Engine(folder, dtype), Stock(folder, dtype), f"370 M Qwen2 {dtype}"
    batch_one(engine, stock, name, 32, runs)
    int8_switch(engine, name, runs)
    compiled(engine, stock, name, 32, runs)


def usual_dtype() -> str:
    """bfloat16 where this machine computes in it."""
    return "bfloat16" if torch.cuda.is_available() or torch.ops.mkldnn._is_mkldnn_bf16_supported() else "float32"


def main() -> None:
    """Print the tables."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--quick", action="store_true", help="tiny-coder alone, fewer runs, nothing compiled")
    arguments.add_argument("--only", choices=("tiny", "compile", "kv", "large", "steps"), help="one table")
    arguments.add_argument("--engine", choices=("transformers", "vllm"), default="transformers")
    arguments.add_argument("--python", default="python", help="the interpreter that has vLLM")
    arguments.add_argument("--dtype", choices=("bfloat16", "float32"), default=usual_dtype(), help="large, vLLM")
    arguments.add_argument("--compile", action="store_true", help="for --engine vllm: both compile")
    arguments.add_argument("--requests", type=int, default=64, help="for --engine vllm: so many")
    asked = arguments.parse_args()
    runs = 3 if asked.quick else 5
    print(
        f"{platform.processor() or platform.machine()}, torch {torch.__version__}, {torch.get_num_threads()} cores, ",
        end="",
    )
    print(f"{torch.backends.cpu.get_cpu_capability()}\n")
    print("| work | against | ours / theirs | ratio | by CPU time |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        if asked.engine == "vllm":
            large = asked.only == "large"
            # The weights are those of a checkpoint in bfloat16, whatever both compute in.
            model = random_qwen(folder, "bfloat16") if large else TINY
            against_vllm(asked.python, model, asked.dtype, asked.requests, 1 if large else runs, asked.compile)
            return
        if asked.only == "steps":
            steps(Engine(TINY, "float32"))
            return
        if asked.only == "kv":
            from bench_switches import kv_costs

            kv_costs(Engine(TINY, "float32"))
            return
        if asked.only == "compile":
            compiled(Engine(TINY, "float32"), Stock(TINY, "float32"), "tiny-coder float32", 256, runs)
            return
        if asked.only != "large":
            tiny_tables(asked.quick, runs)
        if asked.only == "large" or not (asked.quick or asked.only):
            large_tables(random_qwen(folder, "bfloat16"), asked.dtype, 3)


if __name__ == "__main__":
    main()
