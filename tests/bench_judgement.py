"""Cost of the judges, side by side: `python tests/bench_judgement.py [ROW ...]`. Not a test: it never fails.

Rows: sandbox (a task behind each kind of walls beside the same program in a bare subprocess, in turns), history (lists
of 100 000 runs, by CPU time of the thread that reads them).
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter, thread_time

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from playground.bench.sandbox.confinement import NoSandbox, find_confinement  # noqa: E402
from playground.bench.sandbox.limits import SandboxLimits  # noqa: E402
from playground.bench.sandbox.sandbox import Program, Sandbox  # noqa: E402
from playground.session.history.query import parse_filter  # noqa: E402
from tests.session.history.filling import fill  # noqa: E402

TASKS, LISTS, RUNS = 20, 9, 100_000
PROGRAM, TEST = "def f():\n    return 1\n", "assert f() == 1"
ASKED = (
    ("", "at"),
    ("", "kv_bytes"),
    ("function", "at"),
    ("function", "kv_bytes"),
    ("adds function", "kv_bytes"),
    ("model:tiny tps>=0", "kv_bytes"),
)


def sandbox() -> None:
    """Seconds that walls add to a task."""
    for kind in ("bubblewrap", "namespaces"):
        try:
            walls = Sandbox(find_confinement((kind,)))
        except NoSandbox as error:
            print(f"sandbox, {kind}: {error}")
            continue
        pairs = [(_took(_bare), _took(partial(_walled, walls))) for _ in range(TASKS + 1)][1:]
        above = statistics.median(ours - bare for bare, ours in pairs) * 1e3
        bare = statistics.median(bare for bare, _ in pairs) * 1e3
        print(f"sandbox, {kind}: {above:.0f} ms above a bare subprocess of {bare:.0f} ms (under 60); {TASKS} pairs")


def _bare() -> None:
    subprocess.run([sys.executable, "-I", "-c", f"{PROGRAM}\n{TEST}"], check=True)


def _walled(walls: Sandbox) -> None:
    task = Program(program=PROGRAM, test=TEST)
    assert asyncio.run(walls.run(task, SandboxLimits(seconds=20.0, cpu_seconds=20.0))).status == "passed"


def _took(deed: Callable[[], object]) -> float:
    started = perf_counter()
    deed()
    return perf_counter() - started


def history() -> None:
    """The ids of all runs that a filter names, sorted, and what the first screen of them shows."""
    with tempfile.TemporaryDirectory() as folder:
        database = fill(Path(folder) / "history.db", RUNS)
        for text, sort in ASKED:
            took = []
            for _ in range(LISTS):
                started = thread_time()
                ids = database.find(parse_filter(text, sort))
                database.read(ids[:60])
                took.append(thread_time() - started)
            median, most = statistics.median(took) * 1e3, max(took) * 1e3
            name = f"history, {text or 'everything'!r} by {sort}"
            print(f"{name}: {len(ids)} runs in {median:.0f} ms (most {most:.0f}; under 200)")
        database.close()


ROWS: dict[str, Callable[[], None]] = {"sandbox": sandbox, "history": history}


if __name__ == "__main__":
    for name in sys.argv[1:] or ROWS:
        ROWS[name]()
        sys.stdout.flush()
