"""How far what we report of a vLLM server is from what `vllm bench serve` reports, in interleaved pairs.

`PLAYGROUND_VLLM_PYTHON=... python -m tests.engine.openai_server.figure_bench_serve [PAIRS] [tiny|middle]`; no test,
since a busy machine decides it. One server without a prefix cache, so that the second of a pair finds nothing that the
first left; one thread computes, so that a second core is there for its other processes and for the client. `middle` is
a Llama of 110 M random weights: its steps take long enough that clients on the same two cores hardly matter.

Both clients are loaded and wait, and send the same requests: ours is the worker, theirs vLLM's `main_async`. For TTFT
and TPOT each request is sent when the one before it has ended (`--max-concurrency 1`): of those that come together the
server takes now one and now five into a step, so that TTFT halves, and TPOT grows by the others' prefill, whoever asks.
Throughput is of requests that come at once. Rounds are short and their order alternates, since the machine's speed
drifts. That both make the same of the same stream is tested (`test_times.py`); what the server
measured of the very same requests stands beside, since it runs faster or slower from round to round.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from playground import paths
from playground.engine.backends.openai_server.prometheus import read_page
from tests.engine.openai_server.conftest import ServerWorker
from tests.engine.openai_server.serve import ENVIRONMENT, NAME, vllm_serve
from tests.engine.transformers.faults.live_worker import request

PYTHON = os.environ["PLAYGROUND_VLLM_PYTHON"]
REQUESTS, TOKENS = 6, {"tiny": 96, "middle": 16}
PROMPTS = [f"def number_{index}(values, other, third):\n    " * 3 for index in range(REQUESTS)]
ASKED = {"TTFT": "ttft_s", "TPOT": "tpot_s"}
OWN = {"TTFT": "time_to_first_token_seconds", "TPOT": "request_time_per_output_token_seconds"}
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
Side = Callable[[bool], Numbers]  # requests one after the other, or at once


def main() -> None:
    """Print each pair, then the medians; the last line holds the figures."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the server ends too
    count, kind = int((sys.argv[1:2] or ["6"])[0]), (sys.argv[2:3] or ["middle"])[0]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model, tokens = paths.bundled_model() if kind == "tiny" else _middle(folder / "middle"), TOKENS[kind]
        lines = [{"prompt": prompt, "output_tokens": tokens} for prompt in PROMPTS]
        (folder / "prompts.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        with (
            vllm_serve(PYTHON, folder, "--no-enable-prefix-caching", model=model) as url,
            _bench(url, folder, model) as theirs,
            _worker(url, folder, tokens) as ours,
        ):
            sides = [_beside_own(url, side) for side in (ours, theirs)]
            pairs = _measured(count, *sides)
    for key in ("TTFT", "TPOT", "tok/s", *map(_own, OWN)):
        ratios = _ratios(pairs, key)
        quarters = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
        print(f"{key}: ours over theirs {statistics.median(ratios):.3f}, half {quarters[0]:.3f} to {quarters[2]:.3f}")
    for key in OWN:
        ours_own, theirs_own = (statistics.median(pair[side][_reported(key)] for pair in pairs) for side in (0, 1))
        print(f"{_reported(key)}, means: ours {ours_own:.3f}, theirs {theirs_own:.3f}")
    print(f"of what `vllm bench serve` reports, {kind}, medians of {count} interleaved pairs; asked: within 3 %")
    said = [f"{key} {statistics.median(_ratios(pairs, key)):.3f}x" for key in ("TTFT", "TPOT", "tok/s")]
    said += [f"{key} {statistics.median(_ratios(pairs, _reported(key))):.3f}x" for key in OWN]
    print(f"figure: {', '.join(said[:3])}; each over what the server measured of the same: {', '.join(said[3:])}")


def _own(key: str) -> str:
    return f"the server's own {key}"


def _reported(key: str) -> str:
    return f"{key} reported over {_own(key)}"


def _ratios(pairs: list[tuple[Numbers, Numbers]], key: str) -> list[float]:
    return [ours[key] / theirs[key] for ours, theirs in pairs]


def _measured(count: int, ours: Callable[[], Numbers], theirs: Callable[[], Numbers]) -> list[tuple[Numbers, Numbers]]:
    sides, pairs = [theirs, ours], []
    for side in sides:  # the first requests pay for what is compiled and cached
        side()
    for number in range(count):
        found = {side: side() for side in (sides if number % 2 else sides[::-1])}
        pairs.append((found[ours], found[theirs]))
        print(number, "ours", _shown(found[ours]), "| theirs", _shown(found[theirs]), flush=True)
    return pairs


def _beside_own(url: str, side: Side) -> Callable[[], Numbers]:
    """Requests at once, then one after the other, and what the server's histograms gained by the latter, read idle."""

    def look() -> Numbers:
        with urlopen(f"{url.removesuffix('/v1')}/metrics") as answer:
            values = read_page(answer.read().decode()).values
        return {key: sum(values[f"vllm:{name}_sum"]) / REQUESTS for key, name in OWN.items()}

    def run() -> Numbers:
        at_once, before = side(False), look()
        found, after = side(True), look()
        for key in OWN:
            own = after[key] - before[key]
            found |= {_own(key): own, _reported(key): found.pop(f"mean {key}") / own}
        return found | {"tok/s": at_once["tok/s"]}

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
    """Ours, waiting for the next round."""
    worker = ServerWorker(folder, timeout_s=120.0)
    worker.connect(url)
    requests = [request(f"r{index}", prompt, max_tokens=tokens) for index, prompt in enumerate(PROMPTS)]

    def run(serial: bool) -> Numbers:
        groups = [[each] for each in requests] if serial else [requests]
        ends = [end.metrics for group in groups for end in worker.finish(*group)]
        assert [end.output_tokens for end in ends] == [tokens] * REQUESTS
        found = {key: statistics.median(getattr(end, name) for end in ends) for key, name in ASKED.items()}
        found |= {f"mean {key}": statistics.mean(getattr(end, name) for end in ends) for key, name in ASKED.items()}
        return found | {"tok/s": REQUESTS * tokens / max(end.e2e_s or 0.0 for end in ends)}

    try:
        yield run
    finally:
        worker.kill()


@contextmanager
def _bench(url: str, folder: Path, model: Path) -> Iterator[Side]:
    """vLLM's own, waiting for the next round."""
    words = {
        "--backend": "openai",
        "--base-url": url.removesuffix("/v1"),
        "--model": str(model),
        "--served-model-name": NAME,
        "--dataset-name": "custom",
        "--dataset-path": str(folder / "prompts.jsonl"),
        "--custom-output-len": "-1",
        "--num-prompts": str(REQUESTS),
        "--temperature": "0",
        "--extra-body": json.dumps({"return_token_ids": True}),  # as ours asks for them
        "--result-dir": str(folder),
        "--result-filename": "result.json",
    }
    flags = ["--skip-chat-template", "--disable-shuffle", "--ignore-eos", "--save-result", "--disable-tqdm"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | ENVIRONMENT
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([PYTHON, "-c", BENCH], text=True, env=environment, **pipes) as process:  # type: ignore[call-overload]

        def run(serial: bool) -> Numbers:
            limit = {"--max-concurrency": "1"} if serial else {}
            line = json.dumps([*flags, *(word for pair in (words | limit).items() for word in pair)])
            print(line, file=process.stdin, flush=True)
            assert any(said == "done\n" for said in process.stdout), "vLLM's bench ended"
            result = json.loads((folder / "result.json").read_text())
            assert result["completed"] == REQUESTS
            found = {key: result[f"median_{key.lower()}_ms"] / 1000 for key in ASKED}
            found |= {f"mean {key}": result[f"mean_{key.lower()}_ms"] / 1000 for key in ASKED}
            return found | {"tok/s": result["output_throughput"]}

        yield run
        process.kill()


def _shown(numbers: Numbers) -> str:
    return ", ".join(f"{key} {numbers[key]:.4g}" for key in ("TTFT", "TPOT", "tok/s", *map(_own, OWN)))


if __name__ == "__main__":
    main()
