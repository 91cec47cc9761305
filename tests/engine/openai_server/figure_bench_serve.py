"""How far what we report of a vLLM server is from what `vllm bench serve` reports, in interleaved pairs.

`PLAYGROUND_VLLM_PYTHON=... python -m tests.engine.openai_server.figure_bench_serve [ROUNDS] [URL]`; no test, since a
busy machine decides it. Without a URL it starts a server of its own.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from playground import paths
from tests.engine.openai_server.serve import ENVIRONMENT, NAME, vllm_serve

PYTHON = os.environ["PLAYGROUND_VLLM_PYTHON"]
REQUESTS, TOKENS = 8, 96
BENCH = """
import argparse, asyncio
from vllm.benchmarks.serve import add_cli_args, main_async
from vllm.utils.argparse_utils import FlexibleArgumentParser
parser = FlexibleArgumentParser()
add_cli_args(parser)
asyncio.run(main_async(parser.parse_args()))
"""
Numbers = dict[str, float]


def main() -> None:
    """Print each pair, then the median of the ratios of each number."""
    rounds, url = int((sys.argv[1:2] or ["5"])[0]), (sys.argv[2:3] or [""])[0]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_prompts(folder)
        with nullcontext(url) if url else vllm_serve(PYTHON, folder) as address:
            sides: list[Callable[[str, Path], Numbers]] = [_theirs, _ours]
            for side in sides:  # the first requests pay for what is compiled and cached
                side(address, folder)
            pairs = []
            for number in range(rounds):
                order = sides if number % 2 else sides[::-1]
                found = {side: side(address, folder) for side in order}
                pairs.append((found[_ours], found[_theirs]))
                print(number, "ours", _shown(found[_ours]), "theirs", _shown(found[_theirs]), flush=True)
    for key in pairs[0][0]:
        ratios = sorted(ours[key] / theirs[key] for ours, theirs in pairs)
        print(f"{key}: median ratio {statistics.median(ratios):.3f}, from {ratios[0]:.3f} to {ratios[-1]:.3f}")


def _write_prompts(folder: Path) -> None:
    prompts = [f"def number_{index}(values, other, third):\n    " * 4 for index in range(REQUESTS)]
    ours = [{"prompt": prompt, "max_tokens": TOKENS, "ignore_eos": True} for prompt in prompts]
    theirs = [{"prompt": prompt, "output_tokens": TOKENS} for prompt in prompts]
    for name, lines in (("ours.jsonl", ours), ("theirs.jsonl", theirs)):
        (folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines))


def _ours(url: str, folder: Path) -> Numbers:
    command = [sys.executable, "-m", "playground", "run", "--engine", "openai", "--url", url, "--json", "--no-history"]
    done = subprocess.run([*command, "--prompts", str(folder / "ours.jsonl")], capture_output=True, check=True)
    summary = json.loads(done.stdout.splitlines()[-1])
    requests, totals = summary["requests"], summary["totals"]
    assert totals["output_tokens"] == REQUESTS * TOKENS
    return {
        "TTFT s": statistics.median(request["ttft_s"] for request in requests),
        "TPOT s": statistics.median(request["tpot_s"] for request in requests),
        "tok/s": totals["tokens_per_second"],
    }


def _theirs(url: str, folder: Path) -> Numbers:
    words = {
        "--backend": "openai",
        "--base-url": url.removesuffix("/v1"),
        "--model": str(paths.bundled_model()),
        "--served-model-name": NAME,
        "--dataset-name": "custom",
        "--dataset-path": str(folder / "theirs.jsonl"),
        "--custom-output-len": "-1",
        "--num-prompts": str(REQUESTS),
        "--temperature": "0",
        "--result-dir": str(folder),
        "--result-filename": "result.json",
    }
    flags = ["--skip-chat-template", "--disable-shuffle", "--ignore-eos", "--save-result", "--disable-tqdm"]
    command = [PYTHON, "-c", BENCH, *flags, *(word for pair in words.items() for word in pair)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | ENVIRONMENT
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    result = json.loads((folder / "result.json").read_text())
    assert result["total_output_tokens"] == REQUESTS * TOKENS
    return {
        "TTFT s": result["median_ttft_ms"] / 1000,
        "TPOT s": result["median_tpot_ms"] / 1000,
        "tok/s": result["output_throughput"],
    }


def _shown(numbers: Numbers) -> str:
    return " ".join(f"{key} {value:.4g}" for key, value in numbers.items())


if __name__ == "__main__":
    main()
