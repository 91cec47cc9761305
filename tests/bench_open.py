"""What an open screen costs the engine: one worker, amid one request, while its UI runs and is stopped in turn.

Two programs one after the other differ by more than the screen does: this machine's speed moves by half within a
minute, each worker's memory lies elsewhere, and F2 sends a chat prompt where `run` sends a plain one. So one
program is opened, one long request streams, and every `WINDOW_S` its UI process is stopped (SIGSTOP) or goes on. A UI
that is stopped is no kinder to us than `playground run`, which has a process of its own that reads and prints. Times
are the engine's own stamps, from the recording; whatever is recorded or was left over costs the windows that are open.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
from pathlib import Path
from time import perf_counter, sleep
from typing import NamedTuple

import psutil

from tests.bench_terminal import Terminal

WINDOW_S = 0.4
SETTLED_S = 0.1  # after a change, until what was left over is worked off
PAIRS = 8  # of a request
LEAST = 8  # tokens in a window; where the machine did something else altogether, there is nothing to compare
ORDER = (True, False, False, True)  # a request slows down as it grows, which pairs in turn take out


class Window(NamedTuple):
    """From `start` to `end` on the engine's clock the UI was open or stopped; CPU seconds of both processes."""

    open: bool
    start: float
    end: float
    ui_s: float
    worker_s: float


def measure(command: list[str], folder: str, model_shown: str, requests: int) -> None:
    """Open the program, stream `requests` long requests, and print what the screen cost."""
    recording = Path(folder) / "r.jsonl"
    terminal = Terminal(*command, "--record", str(recording), config=folder)
    terminal.wait_for(model_shown)
    terminal.drain(1)
    windows: list[Window] = []
    for _ in range(requests):
        terminal.type("def add_numbers(a, b):\r")
        terminal.wait_for("running")
        terminal.drain(2)
        windows += [_window(terminal, is_open) for _ in range(PAIRS // 2) for is_open in ORDER]
        terminal.type("\x1b")
        terminal.drain(1.5)
    terminal.close()
    _report(windows, _stamps(recording))


def _window(terminal: Terminal, is_open: bool) -> Window:
    os.kill(terminal.pid, signal.SIGCONT if is_open else signal.SIGSTOP)
    _pass(terminal, is_open, SETTLED_S)
    worker = psutil.Process(terminal.pid).children(recursive=True)[-1].pid  # below its supervisor
    before, start = (_cpu(terminal.pid), _cpu(worker)), perf_counter()
    _pass(terminal, is_open, WINDOW_S - SETTLED_S)
    end, after = perf_counter(), (_cpu(terminal.pid), _cpu(worker))
    os.kill(terminal.pid, signal.SIGCONT)
    return Window(is_open, start, end, after[0] - before[0], after[1] - before[1])


def _pass(terminal: Terminal, is_open: bool, seconds: float) -> None:
    if is_open:
        terminal.drain(seconds)
    else:
        sleep(seconds)


def _cpu(pid: int) -> float:
    """Seconds that a process has used, to the nanosecond: the ticks of `cpu_times` are too coarse for a window."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def _stamps(recording: Path) -> list[float]:
    """When each token was there."""
    lines = (json.loads(line) for line in recording.read_text().splitlines() if '"TokensGenerated"' in line)
    return sorted(time for line in lines for time in line["event"]["times"])


def _report(windows: list[Window], stamps: list[float]) -> None:
    taken = list(zip(windows[::2], windows[1::2], strict=True))
    pairs = [pair for pair in taken if all(len(_count(window, stamps)) >= LEAST for window in pair)]
    ratios = sorted(_rate(_one(pair, True), stamps) / _rate(_one(pair, False), stamps) for pair in pairs)
    low, high = ratios[max(0, _rank(len(ratios)))], ratios[-1 - max(0, _rank(len(ratios)))]
    median = statistics.median(ratios)
    speeds = {
        is_open: statistics.median(_rate(_one(pair, is_open), stamps) for pair in pairs) for is_open in (True, False)
    }
    print(f"batch 1, decode, screen open: {speeds[True]:.0f} tok/s, its UI stopped {speeds[False]:.0f} tok/s")
    print(f"{median:.3f}x (at least 0.95), 95 % of medians in {low:.3f} to {high:.3f};", end=" ")
    print(f"{len(pairs)} pairs of windows" + f", {len(taken) - len(pairs)} left out" * (len(pairs) < len(taken)))
    shown = [each for each in windows if each.open]
    share = sum(each.ui_s for each in shown) / sum(each.end - each.start for each in shown)
    print(f"UI process {share:.1%} of a core; the worker's CPU per token is {_worker(pairs, stamps):.3f}x")


def _one(pair: tuple[Window, Window], is_open: bool) -> Window:
    return next(each for each in pair if each.open is is_open)


def _count(window: Window, stamps: list[float]) -> list[float]:
    return [stamp for stamp in stamps if window.start <= stamp < window.end]


def _rate(window: Window, stamps: list[float]) -> float:
    """Tokens per second between the first and the last of a window."""
    inside = _count(window, stamps)
    return (len(inside) - 1) / (inside[-1] - inside[0])


def _worker(pairs: list[tuple[Window, Window]], stamps: list[float]) -> float:
    def cost(window: Window) -> float:
        return window.worker_s / len(_count(window, stamps))

    return statistics.median(cost(_one(pair, True)) / cost(_one(pair, False)) for pair in pairs)


def _rank(n: int) -> int:
    """How many values lie outside on either side of an interval that holds the median in 95 of 100 cases."""
    return round(n / 2 - 0.98 * n**0.5)
