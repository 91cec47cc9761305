"""Results of the code suite: per sample, per task, and over all tasks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec

from playground.bench.statistics import mean, pass_at_k, wilson

Verdict = Literal["passed", "failed", "timed_out", "skipped"]
ORDER: tuple[Verdict, ...] = ("passed", "failed", "timed_out")


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One answer. `seconds` of program and tests; `detail` says why it did not pass."""

    status: Verdict
    program: str = ""
    detail: str = ""
    seconds: float = 0.0
    output_tokens: int = 0
    finish_reason: str = ""


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One task, by the best of its samples. `limit_s` is calibrated on the reference answer here; `apart`: the tests
    ran in a process that the program cannot reach; `reference`: the verdict on the reference answer."""

    task_id: str
    status: Verdict
    stratum: str = ""
    detail: str = ""
    samples: list[Sample] = []
    limit_s: float | None = None
    apart: bool = True
    reference: str = ""

    @property
    def correct(self) -> int:
        """How many samples passed."""
        return sum(sample.status == "passed" for sample in self.samples)


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Tasks by the best of their samples. `pass_at_k` is over the tasks that have `k` samples (`tasks_at_k` of them),
    with Wilson intervals on as many trials. `n`: samples of each task. `seconds`: submission to last verdict;
    `generation_s`: to the last token, on the engine's clock."""

    tasks: int
    passed: int
    failed: int
    timed_out: int
    skipped: int
    pass_at_k: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    tasks_at_k: dict[str, int]
    n: int
    k: list[int]
    prompting: str
    solutions: str
    sandbox: str
    by_stratum: dict[str, dict[str, int]]
    output_tokens: int = 0
    seconds: float | None = None
    generation_s: float | None = None
    tokens_per_second: float | None = None


def best(samples: Sequence[Sample]) -> Sample:
    """The sample that counts for its task: a right one, else a wrong one, else one that timed out."""
    ranked = sorted(samples, key=lambda sample: ORDER.index(sample.status) if sample.status in ORDER else len(ORDER))
    return ranked[0]


def count(items: Sequence[Item]) -> dict[Verdict, int]:
    """Count tasks by verdict."""
    counted = Counter(item.status for item in items)
    return {verdict: counted[verdict] for verdict in (*ORDER, "skipped")}


def by_stratum(items: Sequence[Item]) -> dict[str, dict[str, int]]:
    """Tasks and passed tasks of each stratum; empty without strata."""
    names = dict.fromkeys(item.stratum for item in items if item.stratum)
    return {
        name: {
            "tasks": sum(item.stratum == name for item in items),
            "passed": sum(item.stratum == name and item.status == "passed" for item in items),
        }
        for name in names
    }


class Estimate(NamedTuple):
    """pass@k over `tasks` tasks, with its interval."""

    share: float
    interval: tuple[float, float]
    tasks: int


def estimate(items: Sequence[Item], k: int) -> Estimate | None:
    """pass@k over the tasks that have `k` samples; None if no task has as many."""
    judged = [item for item in items if item.status != "skipped" and len(item.samples) >= k]
    share = mean([pass_at_k(len(item.samples), item.correct, k) for item in judged])
    return None if share is None else Estimate(share, wilson(share, len(judged)), len(judged))
