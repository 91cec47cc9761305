"""How far what we report of a vLLM server is from what `vllm bench serve` reports, in interleaved pairs.

`PLAYGROUND_VLLM_PYTHON=... python -m tests.engine.openai_server.figure_bench_serve [PAIRS] [tiny|middle]`; no test,
since a busy machine decides it. One server without a prefix cache, so that the second of a pair finds nothing that the
first left; one thread computes, so that a second core is there for its other processes and for the client. `middle` is
a Llama of 110 M random weights: its steps take long enough that clients on the same two cores hardly matter.

Both send the same requests at once. Ours is the command as users run it, a new process each time; theirs is vLLM's own
`main_async`, kept loaded. Definitions are theirs: TTFT to the first chunk with an answer, (E2E - TTFT) / (n - 1), n
tokens over the time of all. What is left apart: our TTFT begins when the worker has all requests, theirs when each is
sent; our span ends with the last token, theirs with the end of the last stream.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playground import paths
from tests.engine.openai_server.serve import ENVIRONMENT, NAME, vllm_serve

PYTHON = os.environ["PLAYGROUND_VLLM_PYTHON"]
REQUESTS, TOKENS = 8, {"tiny": 96, "middle": 32}
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


def main() -> None:
    """Print each pair, then the median of the ratios of each number."""
    count, kind = int((sys.argv[1:2] or ["9"])[0]), (sys.argv[2:3] or ["tiny"])[0]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = paths.bundled_model() if kind == "tiny" else _middle(folder / "middle")
        _write_prompts(folder, TOKENS[kind])
        with (
            vllm_serve(PYTHON, folder, "--no-enable-prefix-caching", model=model) as url,
            _bench(url, folder, model) as theirs,
        ):
            pairs = _measured(count, lambda: _ours(url, folder), theirs)
    for key in pairs[0][0]:
        ratios = sorted(ours[key] / theirs[key] for ours, theirs in pairs)
        quarters = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
        print(
            f"{key}: median ratio {statistics.median(ratios):.3f}, middle half {quarters[0]:.3f} to {quarters[2]:.3f}"
        )


def _measured(count: int, ours: Callable[[], Numbers], theirs: Callable[[], Numbers]) -> list[tuple[Numbers, Numbers]]:
    sides, pairs = [theirs, ours], []
    for side in sides:  # the first requests pay for what is compiled and cached
        side()
    for number in range(count):
        found = {side: side() for side in (sides if number % 2 else sides[::-1])}
        pairs.append((found[ours], found[theirs]))
        print(number, "ours", _shown(found[ours]), "theirs", _shown(found[theirs]), flush=True)
    return pairs


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


def _write_prompts(folder: Path, tokens: int) -> None:
    prompts = [f"def number_{index}(values, other, third):\n    " * 4 for index in range(REQUESTS)]
    ours = [{"prompt": prompt, "max_tokens": tokens, "ignore_eos": True} for prompt in prompts]
    theirs = [{"prompt": prompt, "output_tokens": tokens} for prompt in prompts]
    for name, lines in (("ours.jsonl", ours), ("theirs.jsonl", theirs)):
        (folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines))


def _ours(url: str, folder: Path) -> Numbers:
    command = [sys.executable, "-m", "playground", "run", "--engine", "openai", "--url", url, "--json", "--no-history"]
    done = subprocess.run([*command, "--prompts", str(folder / "ours.jsonl")], capture_output=True, check=True)
    summary = json.loads(done.stdout.splitlines()[-1])
    requests, totals = summary["requests"], summary["totals"]
    assert [request["finish_reason"] for request in requests] == ["length"] * REQUESTS
    return {
        "TTFT s": statistics.median(request["ttft_s"] for request in requests),
        "TPOT s": statistics.median(request["tpot_s"] for request in requests),
        "tok/s": totals["tokens_per_second"],
    }


@contextmanager
def _bench(url: str, folder: Path, model: Path) -> Iterator[Callable[[], Numbers]]:
    """vLLM's own, waiting for the next round."""
    words = {
        "--backend": "openai",
        "--base-url": url.removesuffix("/v1"),
        "--model": str(model),
        "--served-model-name": NAME,
        "--dataset-name": "custom",
        "--dataset-path": str(folder / "theirs.jsonl"),
        "--custom-output-len": "-1",
        "--num-prompts": str(REQUESTS),
        "--temperature": "0",
        "--extra-body": json.dumps({"return_token_ids": True}),  # as ours asks for them
        "--result-dir": str(folder),
        "--result-filename": "result.json",
    }
    flags = ["--skip-chat-template", "--disable-shuffle", "--ignore-eos", "--save-result", "--disable-tqdm"]
    line = json.dumps([*flags, *(word for pair in words.items() for word in pair)])
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | ENVIRONMENT
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([PYTHON, "-c", BENCH], text=True, env=environment, **pipes) as process:  # type: ignore[call-overload]

        def run() -> Numbers:
            print(line, file=process.stdin, flush=True)
            assert any(said == "done\n" for said in process.stdout), "vLLM's bench ended"
            result = json.loads((folder / "result.json").read_text())
            assert result["completed"] == REQUESTS
            return {
                "TTFT s": result["median_ttft_ms"] / 1000,
                "TPOT s": result["median_tpot_ms"] / 1000,
                "tok/s": result["output_throughput"],
            }

        yield run
        process.kill()


def _shown(numbers: Numbers) -> str:
    return " ".join(f"{key} {value:.4g}" for key, value in numbers.items())


if __name__ == "__main__":
    main()
