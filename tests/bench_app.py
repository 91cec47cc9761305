"""Speed of the whole program, side by side: `python tests/bench_app.py [ROW ...]`. Not a test: it never fails.

Rows: frame, cold, headless, open, keys, cancel, attention, int8. Runs are interleaved; medians, and ratios of pairs.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import psutil

sys.path.insert(0, str(Path(__file__).parent.parent))

from playground.client import WorkerClient
from playground.protocol import commands, events
from playground.protocol.options import EngineOptions
from playground.protocol.steps import Step
from playground.protocol.wire import AnyEvent
from tests.bench_engine import usual_dtype
from tests.bench_open import measure
from tests.bench_terminal import ROOT, Terminal

TINY = str(ROOT / "playground/models/tiny-coder")
PROMPT = "def add_numbers(a, b):\n"
TOKENS = 256
DTYPE = usual_dtype()  # as dtype=auto chooses
BARE_APP = """
from textual.app import App
from textual.widgets import Static
class Bare(App):
    def compose(self):
        yield Static("Toggles")
Bare().run()
"""
TEN_LINES = f"""
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained({TINY!r})
model = AutoModelForCausalLM.from_pretrained({TINY!r}, dtype={DTYPE!r})
ids = tokenizer({PROMPT!r}, return_tensors="pt")
print(tokenizer.decode(model.generate(**ids, max_new_tokens=1)[0]))
"""
GENERATE = f"""
import time, torch
from transformers import AutoModelForCausalLM, AutoTokenizer
torch.set_num_threads(1)
tokenizer = AutoTokenizer.from_pretrained({TINY!r})
model = AutoModelForCausalLM.from_pretrained({TINY!r}, dtype={DTYPE!r}).eval()
ids = tokenizer({PROMPT!r}, return_tensors="pt")
how = dict(max_new_tokens={TOKENS}, do_sample=False, eos_token_id=None, pad_token_id=0)
with torch.inference_mode():
    model.generate(**ids, **how)
    start = time.perf_counter()
    model.generate(**ids, **how)
print({TOKENS} / (time.perf_counter() - start))
"""
PRESET = f"""
title = "Benchmark"
summary = "Streams {{tokens}} tokens"
prompts = [{PROMPT!r}]
[sampling]
max_tokens = {{tokens}}
ignore_eos = true
"""


def interleaved(ours: Callable[[], float], theirs: Callable[[], float], runs: int) -> tuple[float, float, float]:
    """Medians of both after one warm-up, and the median of the ratios ours / theirs."""
    ours(), theirs()
    both = [(ours(), theirs()) for _ in range(runs)]
    a, b = (statistics.median(column) for column in zip(*both, strict=True))
    return a, b, statistics.median(our / their for our, their in both)


def frame() -> None:
    """First frame against a bare Textual app."""

    def first(*command: str) -> float:
        terminal = Terminal(sys.executable, *command)
        terminal.wait_for("Toggles")
        seconds = perf_counter() - terminal.start
        terminal.close()
        return seconds

    ours = lambda: first("-m", "playground", "--engine", "scripted")  # noqa: E731
    a, b, ratio = interleaved(ours, lambda: first("-c", BARE_APP), 7)
    print(f"first frame: {a:.2f} s, bare Textual app {b:.2f} s, {ratio:.2f}x (at most 1.5)")


def cold() -> None:
    """Cold start to the first token, as whole processes."""

    def seconds(*command: str) -> float:
        start = perf_counter()
        subprocess.run([sys.executable, *command], capture_output=True, check=True, cwd=ROOT)
        return perf_counter() - start

    ours = lambda: seconds("-m", "playground", "run", "--prompt", PROMPT, "--max-tokens", "1")  # noqa: E731
    a, b, ratio = interleaved(ours, lambda: seconds("-c", TEN_LINES), 5)
    print(f"cold start to first token: {a:.2f} s, ten-line script {b:.2f} s, {ratio:.2f}x (at most 1.2)")


def run_headless() -> float:
    """Tokens per second of `playground run`, from submission to the last token."""
    command = [sys.executable, "-m", "playground", "run", "--json", "--ignore-eos", "--max-tokens", str(TOKENS)]
    output = subprocess.run([*command, "--prompt", PROMPT], capture_output=True, check=True, cwd=ROOT).stdout
    summary = json.loads(output.splitlines()[-1])
    return float(summary["totals"]["tokens_per_second"])


def headless() -> None:
    """Batch 1 without a screen against a bare `generate`."""
    theirs = lambda: float(subprocess.check_output([sys.executable, "-c", GENERATE]))  # noqa: E731
    a, b, ratio = interleaved(run_headless, theirs, 5)
    print(f"batch 1 headless: {a:.0f} tok/s, generate {b:.0f} tok/s, {ratio:.2f}x (at least 1.0)")


def with_preset(folder: str, tokens: int) -> list[str]:
    """A preset that streams `tokens` tokens, in a config folder of its own."""
    presets = Path(folder) / "playground" / "presets"
    presets.mkdir(parents=True, exist_ok=True)
    (presets / "bench.toml").write_text(PRESET.format(tokens=tokens))
    return [sys.executable, "-m", "playground", "--preset", "bench"]


def open_app() -> None:
    """The same with the screen open, against its UI stopped."""
    with tempfile.TemporaryDirectory() as folder:
        measure(with_preset(folder, 7000), folder, DTYPE, requests=12)


def keys() -> None:
    """A key pressed while text streams, until it is painted; and what the UI process takes."""
    with tempfile.TemporaryDirectory() as folder:
        terminal = Terminal(*with_preset(folder, 4000), config=folder)
        terminal.wait_for(DTYPE)
        terminal.drain(1)
        terminal.type("def add_numbers(a, b):\r")
        terminal.wait_for("tok/s")
        ui = psutil.Process(terminal.pid)
        delays = []
        for index in range(60):
            before = perf_counter()
            terminal.type("qxzj"[index % 4])
            terminal.wait_for("qxzj"[index % 4], timeout=2)
            delays.append(perf_counter() - before)
            terminal.drain(0.05)
        used, begun = sum(ui.cpu_times()[:2]), perf_counter()
        terminal.drain(4)
        share = (sum(ui.cpu_times()[:2]) - used) / (perf_counter() - begun)
        terminal.close()
    p95 = sorted(delays)[int(len(delays) * 0.95)]
    p50 = statistics.median(delays)
    print(f"key to paint while streaming: p50 {p50 * 1e3:.0f} ms, p95 {p95 * 1e3:.0f} ms (at most 50)")
    print(f"UI process while streaming: {share:.0%} of a core (under 25 %)")


class Worker:
    """A real worker, driven by its client."""

    def __init__(self) -> None:
        self.seen: list[tuple[float, AnyEvent]] = []
        log = Path(tempfile.gettempdir()) / "playground-bench.log"
        self.client = WorkerClient("engine", "transformers", log, self._note)

    def _note(self, event: AnyEvent) -> None:
        self.seen.append((perf_counter(), event))

    async def until(self, kind: type, after: float = 0.0) -> tuple[float, AnyEvent]:
        """The first event of a kind that came later than `after`."""
        while True:
            for when, event in self.seen:
                if when > after and isinstance(event, kind):
                    return when, event
            await asyncio.sleep(0.001)

    async def load(self, model: str, **options: object) -> None:
        """Start and load."""
        await self.client.start()
        self.client.send(commands.LoadModel(model=model, options=EngineOptions(**options)))  # type: ignore[arg-type]
        await self.until(events.OptionsApplied)

    async def stream(self, tokens: int) -> None:
        """Begin one long request and wait for its first steps."""
        sampling = commands.SamplingParams(max_tokens=tokens, ignore_eos=True)
        request = commands.GenerationRequest(request_id="r", prompt=PROMPT, sampling=sampling)
        self.client.send(commands.Submit(requests=[request]))
        await self.until(events.StepsExecuted)
        await asyncio.sleep(0.5)

    def steps(self) -> list[Step]:
        """Every step so far."""
        return [step for _, event in self.seen if isinstance(event, events.StepsExecuted) for step in event.steps]


async def _cancel() -> None:
    worker = Worker()
    await worker.load(TINY)
    await worker.stream(4000)
    sent = perf_counter()
    worker.client.send(commands.Abort(request_id="r"))
    when, _ = await worker.until(events.RequestFinished)
    await asyncio.sleep(0.2)
    late = sum(1 for step in worker.steps() if step.start > sent)
    step = statistics.median(step.seconds for step in worker.steps())
    told = when - sent
    print(f"cancel: told after {told * 1e3:.1f} ms, {late} steps began after it; a step takes {step * 1e3:.1f} ms")
    await worker.client.stop()


async def _attention() -> None:
    worker = Worker()
    await worker.load(TINY)
    await worker.stream(4000)
    taken = []
    for value in ("eager", "sdpa-flash", "sdpa-math") * 3:
        sent = perf_counter()
        worker.client.send(commands.SetOptions(changes={"attention": value}))
        _, applied = await worker.until(events.OptionsApplied, sent)
        assert isinstance(applied, events.OptionsApplied)
        taken.append(applied.seconds)
        await asyncio.sleep(0.2)
    step = statistics.median(step.seconds for step in worker.steps())
    print(f"attention switch: {statistics.median(taken) * 1e3:.1f} ms; a step takes {step * 1e3:.1f} ms")
    await worker.client.stop()


BITSANDBYTES = """
import sys, time, torch, bitsandbytes
from transformers import AutoModelForCausalLM, BitsAndBytesConfig
def load(**how):
    start = time.perf_counter()
    AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.bfloat16, **how)
    return time.perf_counter() - start
load()
print(load(quantization_config=BitsAndBytesConfig(load_in_8bit=True)) - load())
"""


async def _int8() -> None:
    from tests.bench_engine import random_qwen

    ratios, later = [], 0.0
    with tempfile.TemporaryDirectory() as folder:
        model = random_qwen(folder, "bfloat16")
        for _ in range(3):
            command = [sys.executable, "-c", BITSANDBYTES, model]
            theirs = float(subprocess.check_output(command, stderr=subprocess.DEVNULL))
            first, *others = await _switches(model, ("int8", "model", "int8", "model", "int8"))
            ratios.append(first / theirs)
            later = max(later, *others)
            print(f"int8 of 370 M: {first:.2f} s, bitsandbytes' own {theirs:.2f} s, {first / theirs:.2f}x")
    print(f"int8 of 370 M, first switch: {statistics.median(ratios):.2f}x, median (at most 1.1)")
    print(f"int8 and back later: {later * 1e3:.0f} ms (at most 300)")


async def _switches(model: str, kinds: tuple[str, ...]) -> list[float]:
    """Seconds of each switch of the weights, in a worker of its own."""
    worker, taken = Worker(), []
    await worker.load(model)
    for kind in kinds:
        sent = perf_counter()
        worker.client.send(commands.SetOptions(changes={"weights": kind}))
        _, applied = await worker.until(events.OptionsApplied, sent)
        assert isinstance(applied, events.OptionsApplied)
        taken.append(applied.seconds)
    await worker.client.stop()
    return taken


ROWS: dict[str, Callable[[], None]] = {
    "frame": frame,
    "cold": cold,
    "headless": headless,
    "open": open_app,
    "keys": keys,
    "cancel": lambda: asyncio.run(_cancel()),
    "attention": lambda: asyncio.run(_attention()),
    "int8": lambda: asyncio.run(_int8()),
}


if __name__ == "__main__":
    for name in sys.argv[1:] or ROWS:
        ROWS[name]()
        sys.stdout.flush()
