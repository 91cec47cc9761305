"""vLLM through our worker against vLLM's own loop: seconds of a start, and throughput of the same requests, in turn.

`PLAYGROUND_VLLM_PYTHON=... python -m tests.engine.vllm.figure_offline [STARTS] [ROUNDS]`; no test, since a busy machine
decides it.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from playground import paths
from playground.protocol.commands import ResetPrefixCache
from tests.bench_engine import Job, ragged
from tests.engine.transformers.faults.live_worker import request
from tests.engine.vllm.conftest import OPTIONS, PYTHON, VllmWorker

ROOT = Path(__file__).parents[3]
THREADS = "1"


class Bare:
    """vLLM's `LLMEngine` in a loop of a few lines."""

    def __init__(self) -> None:
        began = perf_counter()
        command = [PYTHON, str(ROOT / "tests/bench_vllm.py"), str(paths.bundled_model()), "float32", THREADS]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._read()
        self.seconds = perf_counter() - began

    def run(self, jobs: list[Job]) -> float:
        """Seconds from the first submission to the last token."""
        assert self._process.stdin
        print(json.dumps(jobs), file=self._process.stdin, flush=True)
        return float(self._read()["seconds"])

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()

    def _read(self) -> dict[str, float]:
        assert self._process.stdout
        found: dict[str, float] = json.loads(self._process.stdout.readline())
        return found


class Ours:
    """The worker that the app starts."""

    def __init__(self, folder: Path) -> None:
        began = perf_counter()
        self._worker = VllmWorker(folder)
        self._worker.load(paths.bundled_model(), prefix_cache=False, **OPTIONS | {"kv_blocks": "auto"})
        self.seconds = perf_counter() - began

    def run(self, jobs: list[Job]) -> float:
        """Seconds from the submission to the last token, by the worker's clock."""
        self._worker.send(ResetPrefixCache())
        asked = [request(f"r{index}", ids, max_tokens=new) for index, (ids, new) in enumerate(jobs)]
        return max(end.metrics.e2e_s or 0.0 for end in self._worker.finish(*asked))

    def stop(self) -> None:
        """End it."""
        self._worker.kill()


def main() -> None:
    """Print each pair, then the medians of the ratios."""
    starts, rounds = map(int, sys.argv[1:3] or ("3", "9"))
    jobs = ragged(64, 2000)
    tokens = sum(new for _, new in jobs)
    with tempfile.TemporaryDirectory() as name:
        Ours(Path(name)).stop()  # makes the reference, and reads every file once
        pairs = []
        for number in range(starts):
            if number % 2:
                bare, ours = Bare(), Ours(Path(name))
            else:
                ours, bare = Ours(Path(name)), Bare()
            pairs.append(ours.seconds / bare.seconds)
            print(f"start: ours {ours.seconds:.2f} s, bare {bare.seconds:.2f} s, {pairs[-1]:.3f}x", flush=True)
            if number < starts - 1:
                bare.stop()
                ours.stop()
        print(f"start: median {statistics.median(pairs):.3f}x, from {min(pairs):.3f} to {max(pairs):.3f}\n")
        for side in (bare, ours):
            side.run(jobs[:16])
        ratios = []
        for number in range(rounds):
            sides = (ours, bare) if number % 2 else (bare, ours)
            found = {side: side.run(jobs) for side in sides}
            ratios.append(found[bare] / found[ours])
            print(
                f"ours {tokens / found[ours]:.0f}, bare {tokens / found[bare]:.0f} tok/s, {ratios[-1]:.3f}x", flush=True
            )
        print(f"throughput: median {statistics.median(ratios):.3f}x, from {min(ratios):.3f} to {max(ratios):.3f}")
        bare.stop()
        ours.stop()


if __name__ == "__main__":
    main()
