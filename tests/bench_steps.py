"""What a decode step of the engine costs over slots and context, and what its time goes to; see `bench_engine.py`."""

from __future__ import annotations

import functools
import random
import statistics
from collections.abc import Callable
from time import perf_counter
from typing import Any


def step_costs(engine: Any) -> None:
    """A decode step over batch and context, and where its time goes."""
    print("\n| slots | context | step | linear at most | forward | keys and values | sample | loop |")
    print("|---|---|---|---|---|---|---|---|")
    grid = [(slots, 128) for slots in (1, 2, 4, 8, 16, 32, 64)] + [(1, length) for length in (512, 2048, 8000)]
    first: dict[str, tuple[int, float]] = {}
    draw = random.Random(3)
    for slots, length in grid:
        engine.set(max_batch=slots, token_budget=8192, prefix_cache=False)
        jobs = [([draw.randrange(3, 2000) for _ in range(length)], 24) for _ in range(slots)]
        with Parts(engine) as parts:
            engine.run(jobs)
        seconds, shares = parts.decode()
        axis, amount = ("context", length) if length > 128 else ("slots", slots)
        start = first.setdefault(axis, (amount, seconds))
        bound = start[1] * amount / start[0]
        cells = " | ".join(f"{share:.0%}" for share in shares)
        print(f"| {slots} | {length} | {seconds * 1e3:.1f} ms | {bound * 1e3:.1f} ms | {cells} |", flush=True)


class Parts:
    """Times the parts of every step: the model's forward, in it the KV cache, the sampler; the rest is the loop."""

    def __init__(self, engine: Any) -> None:
        runner = engine._backend._engine.core.runner
        self._engine, self._spent = engine, dict.fromkeys(("forward", "kv", "sample"), 0.0)
        self._rows: list[tuple[float, float, float, float]] = []
        self._patched = [
            (runner, "forward", "forward"),
            (runner.cache, "update", "kv"),
            (runner._sampler, "sample", "sample"),
        ]
        self._step = engine._backend.step

    def __enter__(self) -> Parts:
        for owner, name, part in self._patched:
            setattr(owner, name, self._timed(getattr(owner, name), part))
        self._engine._backend.step = self._timed_step  # type: ignore[method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        for owner, name, _part in self._patched:
            delattr(owner, name)
        del self._engine._backend.step

    def _timed(self, function: Callable[..., object], part: str) -> Callable[..., object]:
        def timed(*args: object, **kwargs: object) -> object:
            start = perf_counter()
            result = function(*args, **kwargs)
            self._spent[part] += perf_counter() - start
            return result

        return functools.wraps(function)(timed)

    def _timed_step(self) -> None:
        before, start = dict(self._spent), perf_counter()
        self._step()
        seconds = perf_counter() - start
        forward, kv, sample = (self._spent[part] - before[part] for part in ("forward", "kv", "sample"))
        self._rows.append((seconds, forward - kv, kv, sample))

    def decode(self) -> tuple[float, list[float]]:
        """Median seconds of the last 20 steps, and the shares of forward, KV cache, sampler and loop."""
        total, *parts = (statistics.median(column) for column in zip(*self._rows[-20:], strict=True))
        return total, [part / total for part in parts] + [1 - sum(parts) / total]
