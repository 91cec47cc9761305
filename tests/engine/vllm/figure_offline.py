"""vLLM through our worker against vLLM's own loop: starts and the same requests, in turn, by the clock and CPU time.

`PLAYGROUND_VLLM_PYTHON=... python -m tests.engine.vllm.figure_offline [STARTS] [ROUNDS] [REQUESTS]`; no test, since a
busy machine decides it.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import psutil

from playground import paths
from playground.protocol.commands import ResetPrefixCache
from tests.bench_jobs import Job, ragged
from tests.engine.transformers.faults.live_worker import request
from tests.engine.vllm.conftest import OPTIONS, PYTHON, VllmWorker

ROOT = Path(__file__).parents[3]
THREADS = "1"


@dataclass
class Spent:
    """Seconds on the clock, and of CPU in the engine's process."""

    wall: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.wall:.2f} s (CPU {self.cpu:.2f})"


class Bare:
    """vLLM's `LLMEngine` in a loop of a few lines."""

    def __init__(self) -> None:
        began = perf_counter()
        command = [PYTHON, str(ROOT / "tests/bench_vllm.py"), str(paths.bundled_model()), "float32", THREADS]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._read()
        self.start = Spent(perf_counter() - began, _cpu(self._process.pid))

    def run(self, jobs: list[Job]) -> Spent:
        """From the first submission to the last token."""
        assert self._process.stdin
        print(json.dumps(jobs), file=self._process.stdin, flush=True)
        found = self._read()
        return Spent(found["seconds"], found["cpu"])

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
        self.start = Spent(perf_counter() - began, _cpu(self._worker.process.pid))

    def run(self, jobs: list[Job]) -> Spent:
        """From the submission to the last token, by the worker's clock."""
        self._worker.send(ResetPrefixCache())
        asked = [request(f"r{index}", ids, max_tokens=new) for index, (ids, new) in enumerate(jobs)]
        before = _cpu(self._worker.process.pid)
        wall = max(end.metrics.e2e_s or 0.0 for end in self._worker.finish(*asked))
        return Spent(wall, _cpu(self._worker.process.pid) - before)

    def stop(self) -> None:
        """End it."""
        self._worker.kill()


def main() -> None:
    """Print each pair, then the medians of the ratios."""
    given = [int(word) for word in sys.argv[1:4]]
    starts, rounds, count = given + [3, 9, 64][len(given) :]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Ours(folder).stop()  # makes the reference, and reads every file once
        pairs = []
        for number in range(starts):
            if number % 2:
                bare, ours = Bare(), Ours(folder)
            else:
                ours, bare = Ours(folder), Bare()
            pairs.append((ours.start, bare.start))
            print(f"start: ours {ours.start}, bare {bare.start}", flush=True)
            if number < starts - 1:
                bare.stop()
                ours.stop()
        _print_ratios("start, ours over bare", pairs)
        jobs = ragged(count, 2000)
        for side in (bare, ours):
            side.run(jobs[:8])
        pairs = []
        for number in range(rounds):
            sides = (ours, bare) if number % 2 else (bare, ours)
            found = {side: side.run(jobs) for side in sides}
            pairs.append((found[bare], found[ours]))
            print(f"{sum(new for _, new in jobs)} tokens: ours {found[ours]}, bare {found[bare]}", flush=True)
        _print_ratios("throughput, ours over bare", pairs)
        bare.stop()
        ours.stop()


def _print_ratios(name: str, pairs: list[tuple[Spent, Spent]]) -> None:
    for clock in ("wall", "cpu"):
        ratios = sorted(getattr(above, clock) / getattr(below, clock) for above, below in pairs)
        print(f"{name}, {clock}: median {statistics.median(ratios):.3f}x, from {ratios[0]:.3f} to {ratios[-1]:.3f}")


def _cpu(pid: int) -> float:
    """Seconds of CPU that a process has spent."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


if __name__ == "__main__":
    main()
