"""A real `vllm serve` on loopback, as a process of its own that ends with its whole group."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from playground import paths

NAME = "tiny-coder"
START_S, SLOTS = 240, 16
FLAGS = [
    "--dtype",
    "float32",
    "--max-model-len",
    "2048",
    "--enforce-eager",
    "--block-size",
    "32",
    "--max-num-seqs",
    str(SLOTS),
]
ENVIRONMENT = {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_NO_USAGE_STATS": "1",
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",  # the server has two processes, and beside them runs the client that is measured
}


@contextmanager
def vllm_serve(python: str, folder: Path, *flags: str, model: Path | None = None) -> Iterator[str]:
    """The address of its API, with the bundled model by default. `vllm serve` requires a package named `vllm`, which
    vllm-cpu is not."""
    port, log = _free_port(), folder / "vllm-serve.log"
    command = [python, "-m", "vllm.entrypoints.openai.api_server", "--model", str(model or paths.bundled_model())]
    command += ["--served-model-name", NAME, "--host", "127.0.0.1", "--port", str(port), *FLAGS, *flags]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | ENVIRONMENT
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment, start_new_session=True)
    try:
        _wait(process, f"http://127.0.0.1:{port}/health", log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(URLError, OSError), urlopen(url, timeout=5):
            return
        time.sleep(0.5)
    raise RuntimeError(f"vLLM's server did not start: {log.read_text(errors='replace')[-3000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
