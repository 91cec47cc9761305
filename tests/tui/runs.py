"""Runs for a test history: always the same."""

from __future__ import annotations

from playground import paths
from playground.session.history.database import Database
from playground.session.history.query import parse_filter
from playground.session.history.run import Run

NOON = 1_795_608_000.0
MODELS = {"tiny-coder": (0.015, 300.0, 360), "Qwen3-0.6B": (0.2, 25.0, 2100), "SmolLM2-360M": (0.1, 60.0, 1200)}
OPTIONS = [
    {},
    {"kv_cache": "int8"},
    {"kv_cache": "int2", "max_batch": "16"},
    {"attention": "eager"},
    {"weights": "int8"},
]
FLAGS = [[], ["prefix 45 %"], [], ["cold"], ["beside 3", "attention is eager"], []]
PROMPTS = ["write a function that adds two numbers", "def area(width, height):", "напиши функцию"]


def make_runs(count: int) -> list[Run]:
    """Runs for a history, the newest last."""
    return [_run(number) for number in range(count)]


def keep(runs: list[Run]) -> None:
    """Put runs into the history of this test."""
    database = Database(paths.history_database())
    for run in runs:
        database.add(run)
    database.close()


def kept(words: str = "") -> list[Run]:
    """The runs in the history of this test that a filter of these words finds."""
    database = Database(paths.history_database())
    runs = database.read_whole(database.find(parse_filter(words)))
    database.close()
    return runs


def _run(number: int) -> Run:
    model = list(MODELS)[number % 3]
    ttft, tps, memory = MODELS[model]
    options = OPTIONS[number * 7 % 5]
    cost = 1 - 0.04 * len(str(options)) / 10 + (number % 4) / 100
    bench = number % 6 == 5
    return Run(
        at=NOON + number * 97,
        kind="bench code" if bench else ("chat", "run", "load")[number % 3],
        model=model,
        model_path=f"models/{model}",
        engine="transformers",
        title="" if bench else PROMPTS[number % 3],
        prompt="" if bench else PROMPTS[number % 3],
        options=options,
        flags=FLAGS[number % 6],
        tags=["slides"] if number % 11 == 0 else [],
        requests=40 if bench else 1,
        prompt_tokens=20,
        output_tokens=20 + number % 200,
        ttft_s=ttft / cost,
        tps=tps * cost,
        memory_bytes=int(memory * cost) << 20,
        kv_bytes=(number % 7 + 1) * 300_000,
        quality=round(0.9 * cost, 3) if bench else None,
        measure="pass@1" if bench else "",
        effective={"kv_cache": options.get("kv_cache", "model")},
        versions={"torch": "2.13.0", "transformers": "5.19.0"},
    )
