"""How far what we report of a vLLM server is from what `vllm bench serve` reports, in interleaved pairs.

`PLAYGROUND_VLLM_PYTHON=... python -m tests.engine.openai_server.figure_bench_serve [SECONDS] [tiny|middle]`; no test,
since a busy machine decides it. One server without a prefix cache, so that the second of a pair finds nothing that the
first left; one thread computes, so that a second core is there for its other processes and for the client. `middle` is
a Llama of 110 M random weights: its steps take long enough that clients on the same two cores hardly matter.

Both clients are loaded and wait: ours is the worker, theirs vLLM's `main_async`. For TTFT and TPOT a pair is one
request of each, the same and a second apart, for the machine's speed moves by more than 3 % within seconds; their order
alternates. Of requests that come together the server takes now one and now five into a step, so that TTFT halves, and
TPOT grows by the others' prefill, whoever asks: those give the throughput alone. That both make the same of the same
stream is tested (`test_times.py`); what the server measured of the very same requests stands beside.
"""

from __future__ import annotations

import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from urllib.request import urlopen

from playground import paths
from playground.engine.backends.openai_server.prometheus import read_page
from tests.engine.openai_server.conftest import ServerWorker
from tests.engine.openai_server.serve import ENVIRONMENT, NAME, vllm_serve
from tests.engine.transformers.faults.live_worker import request

PYTHON = os.environ["PLAYGROUND_VLLM_PYTHON"]
AT_ONCE, TOKENS = 6, {"tiny": 96, "middle": 16}
PROMPTS = [f"def number_{index}(values, other, third):\n    " * 3 for index in range(AT_ONCE)]
ASKED = {"TTFT": "ttft_s", "TPOT": "tpot_s"}
OWN = {"TTFT": "time_to_first_token_seconds", "TPOT": "request_time_per_output_token_seconds"}
ONE_SHARE = 0.4  # of the time goes to requests one by one
BENCH = """
import argparse, asyncio, json, sys
from vllm.benchmarks.serve import add_cli_args, main_async
from vllm.utils.argparse_utils import FlexibleArgumentParser
parser = FlexibleArgumentParser()
add_cli_args(parser)
for line in sys.stdin:
    asyncio.run(main_async(parser.parse_args(json.loads(line))))
    print("done", flush=True)
"""
Numbers = dict[str, float]
Side = Callable[[list[str]], Numbers]  # requests with these prompts, at once
Pair = tuple[Numbers, Numbers]


def main() -> None:
    """Print the medians of all pairs; the last line holds the figures."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the server ends too
    seconds, kind = float((sys.argv[1:2] or ["400"])[0]), (sys.argv[2:3] or ["middle"])[0]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model, tokens = paths.bundled_model() if kind == "tiny" else _middle(folder / "middle"), TOKENS[kind]
        with (
            vllm_serve(PYTHON, folder, "--no-enable-prefix-caching", model=model) as url,
            _bench(url, folder, model, tokens) as theirs,
            _worker(url, folder, tokens) as ours,
        ):
            one = [_beside_own(url, side) for side in (ours, theirs)]
            singles = _measured(seconds * ONE_SHARE, lambda number: [PROMPTS[number % AT_ONCE]], *one)
            groups = _measured(seconds * (1 - ONE_SHARE), lambda _: PROMPTS, ours, theirs)
    said = [_said(key, singles) for key in (*ASKED, *map(_over_own, ASKED))] + [_said("tok/s", groups)]
    print(f"of what `vllm bench serve` reports, {kind}: {len(singles)} and {len(groups)} pairs; asked: within 3 %")
    print(f"figure: {', '.join(said)}")


def _said(key: str, pairs: list[Pair]) -> str:
    """The median of the pairs' ratios, and where 95 of 100 medians of as many pairs drawn anew lie."""
    ratios = [ours[key] / theirs[key] for ours, theirs in pairs]
    draw = random.Random(0)
    medians = statistics.quantiles((statistics.median(draw.choices(ratios, k=len(ratios))) for _ in range(4000)), n=40)
    sides = [statistics.median(pair[side][key] for pair in pairs) for side in (0, 1)]
    print(f"{key}: ours {sides[0]:.4g}, theirs {sides[1]:.4g}, medians")
    return f"{key} {statistics.median(ratios):.3f}x ({medians[0]:.3f}-{medians[-1]:.3f})"


def _over_own(key: str) -> str:
    return f"{key} over the server's own"


def _measured(seconds: float, prompts: Callable[[int], list[str]], ours: Side, theirs: Side) -> list[Pair]:
    """Pairs of the same requests for so long, in alternating order."""
    sides, pairs = [theirs, ours], []
    for side in sides:  # the first requests pay for what is compiled and cached
        side(prompts(0))
    until = monotonic() + seconds
    while monotonic() < until:
        asked = prompts(len(pairs))
        found = {side: side(asked) for side in (sides if len(pairs) % 2 else sides[::-1])}
        pairs.append((found[ours], found[theirs]))
    return pairs


def _beside_own(url: str, side: Side) -> Side:
    """One request, and its times over what the server's histograms gained meanwhile, read while it is idle."""

    def look() -> Numbers:
        with urlopen(f"{url.removesuffix('/v1')}/metrics") as answer:
            values = read_page(answer.read().decode()).values
        return {key: sum(values[f"vllm:{name}_sum"]) for key, name in OWN.items()}

    def run(prompts: list[str]) -> Numbers:
        before = look()
        found, after = side(prompts), look()
        return found | {_over_own(key): found[key] / (after[key] - before[key]) for key in OWN}

    return run


def _middle(folder: Path) -> Path:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=4096, hidden_size=768, intermediate_size=2048, num_hidden_layers=16, num_attention_heads=12,
        max_position_embeddings=2048,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    for file in paths.bundled_model().glob("tokenizer*"):
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


@contextmanager
def _worker(url: str, folder: Path, tokens: int) -> Iterator[Side]:
    """Ours, waiting for the next requests."""
    worker = ServerWorker(folder, timeout_s=120.0)
    worker.connect(url)

    def run(prompts: list[str]) -> Numbers:
        requests = [request(f"r{index}", prompt, max_tokens=tokens) for index, prompt in enumerate(prompts)]
        ends = [end.metrics for end in worker.finish(*requests)]
        assert [end.output_tokens for end in ends] == [tokens] * len(prompts)
        found = {key: statistics.median(getattr(end, name) for end in ends) for key, name in ASKED.items()}
        return found | {"tok/s": len(prompts) * tokens / max(end.e2e_s or 0.0 for end in ends)}

    try:
        yield run
    finally:
        worker.kill()


@contextmanager
def _bench(url: str, folder: Path, model: Path, tokens: int) -> Iterator[Side]:
    """vLLM's own, waiting for the next requests; it sends no request of its own before them."""
    words = {
        "--backend": "openai",
        "--base-url": url.removesuffix("/v1"),
        "--model": str(model),
        "--served-model-name": NAME,
        "--dataset-name": "custom",
        "--dataset-path": str(folder / "prompts.jsonl"),
        "--custom-output-len": "-1",
        "--temperature": "0",
        "--ready-check-timeout-sec": "0",
        "--extra-body": json.dumps({"return_token_ids": True}),  # as ours asks for them
        "--result-dir": str(folder),
        "--result-filename": "result.json",
    }
    flags = ["--skip-chat-template", "--disable-shuffle", "--ignore-eos", "--save-result", "--disable-tqdm"]
    flags += [word for pair in words.items() for word in pair]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | ENVIRONMENT
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([PYTHON, "-c", BENCH], text=True, env=environment, **pipes) as process:  # type: ignore[call-overload]

        def run(prompts: list[str]) -> Numbers:
            lines = [json.dumps({"prompt": prompt, "output_tokens": tokens}) + "\n" for prompt in prompts]
            (folder / "prompts.jsonl").write_text("".join(lines))
            print(json.dumps([*flags, "--num-prompts", str(len(prompts))]), file=process.stdin, flush=True)
            assert any(said == "done\n" for said in process.stdout), "vLLM's bench ended"
            result = json.loads((folder / "result.json").read_text())
            assert result["completed"] == len(prompts)
            found = {key: result[f"median_{key.lower()}_ms"] / 1000 for key in ASKED}
            return found | {"tok/s": result["output_throughput"]}

        yield run
        process.kill()


if __name__ == "__main__":
    main()
