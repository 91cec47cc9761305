"""Starting workers on the engines of these tests, and watching processes come and go."""

from __future__ import annotations

import sys
from pathlib import Path
from time import monotonic, sleep

import psutil

from playground.protocol.events import TokensGenerated
from playground.protocol.wire import encode_line

ROOT = Path(__file__).parents[2]
STARTER = """#!{python}
import sys
sys.path.insert(0, {root!r})
from playground.engine.backends.registry import BACKENDS
BACKENDS["noisy"] = "tests.worker.engines:NoisyEngine"
BACKENDS["forking"] = "tests.worker.engines:ForkingEngine"
BACKENDS["leaving"] = "tests.worker.engines:LeavingEngine"
BACKENDS["seized"] = "tests.worker.engines:SeizedEngine"
BACKENDS["slow"] = "tests.worker.engines:SlowEngine"
BACKENDS["keeping"] = "tests.worker.engines:KeepingEngine"
BACKENDS["stuck"] = "tests.worker.engines:StuckEngine"
sys.argv = sys.argv[2:]  # as after `python -m playground.worker`
from playground.worker.__main__ import main
main()
"""


def write_starter(folder: Path) -> str:
    """An interpreter for `WorkerClient` that runs the real worker and knows the engines of these tests."""
    path = folder / "python"
    path.write_text(STARTER.format(python=sys.executable, root=str(ROOT)))
    path.chmod(0o755)
    return str(path)


def write_answer(folder: Path, words: int) -> str:
    """A recording whose only answer has this many tokens, as a model for the scripted engine."""
    lines = [b"{}\n"]
    for index in range(words):
        event = TokensGenerated(request_id="r", token_ids=[index], times=[0.0], text=f"w{index} ")
        lines.append(b'{"event": ' + encode_line(event).strip() + b"}\n")
    path = folder / "answer.jsonl"
    path.write_bytes(b"".join(lines))
    return str(path)


def alive(pid: int) -> bool:
    """Whether the process runs; one that only waits to be reaped does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def seconds_until_gone(*pids: int, most: float = 10.0) -> float:
    """Seconds until none of the processes is alive."""
    started = monotonic()
    while any(map(alive, pids)) and monotonic() - started < most:
        sleep(0.02)
    return monotonic() - started
