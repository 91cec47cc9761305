"""vLLM through our worker against vLLM's own loop, in interleaved pairs, by the clock and CPU time.

`PLAYGROUND_VLLM_PYTHON=... python -m tests.engine.vllm.figure_offline start [PAIRS] | loop [PAIRS] [REQUESTS]`: how
long a start takes, and how long the same requests; the last line holds the figure. Many short pairs are steadier than
few long ones, since the machine's speed drifts. No test: a busy machine decides.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import partial
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


Pair = tuple[Spent, Spent]


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
        self.start = Spent(perf_counter() - began, _cpu(self._worker.pid))

    def run(self, jobs: list[Job]) -> Spent:
        """From the submission to the last token, by the worker's clock."""
        self._worker.send(ResetPrefixCache())
        asked = [request(f"r{index}", ids, max_tokens=new) for index, (ids, new) in enumerate(jobs)]
        before = _cpu(self._worker.pid)
        wall = max(end.metrics.e2e_s or 0.0 for end in self._worker.finish(*asked))
        return Spent(wall, _cpu(self._worker.pid) - before)

    def stop(self) -> None:
        """End it."""
        self._worker.kill()


def main() -> None:
    """Print each pair, then the median of the ratios."""
    what, *numbers = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Ours(folder).stop()  # makes the reference, and reads every file once
        if what == "start":
            _print_figure("start, ours over bare", "at most 1.1x", _starts(folder, *map(int, numbers)))
        else:
            _print_figure("throughput, ours over bare", "at least 0.97x", _loops(folder, *map(int, numbers)))


def _starts(folder: Path, count: int = 3) -> list[Pair]:
    pairs = []
    for number in range(count):
        found = {}
        for begin in (Bare, partial(Ours, folder))[:: 1 if number % 2 else -1]:
            side = begin()
            found[type(side)] = side.start
            side.stop()
        pairs.append((found[Ours], found[Bare]))
        print(f"start: ours {found[Ours]}, bare {found[Bare]}", flush=True)
    return pairs


def _loops(folder: Path, count: int = 15, requests: int = 16) -> list[Pair]:
    jobs, sides, pairs = ragged(requests, 2000), [Bare(), Ours(folder)], []
    for side in sides:
        side.run(jobs[:8])
    for number in range(count):
        found = {type(side): side.run(jobs) for side in sides[:: 1 if number % 2 else -1]}
        pairs.append((found[Bare], found[Ours]))
        tokens = sum(new for _, new in jobs)
        print(f"{tokens} tokens: ours {found[Ours]}, bare {found[Bare]}", flush=True)
    for side in sides:
        side.stop()
    return pairs


def _print_figure(name: str, asked: str, pairs: list[Pair]) -> None:
    said = []
    for clock in ("wall", "cpu"):
        ratios = sorted(getattr(above, clock) / getattr(below, clock) for above, below in pairs)
        said.append(f"{clock} {statistics.median(ratios):.3f}x ({ratios[0]:.3f} to {ratios[-1]:.3f})")
    print(f"figure: {name}, medians of {len(pairs)} interleaved pairs: {', '.join(said)}; asked: {asked}")


def _cpu(pid: int) -> float:
    """Seconds of CPU that a process has spent."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


if __name__ == "__main__":
    main()
