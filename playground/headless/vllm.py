"""Checks for vLLM before anything else is done for it."""

from __future__ import annotations

import subprocess

from playground.config import worker_python
from playground.engine.backends.vllm.support import own_environment
from playground.headless.errors import CommandError

LOOK = "import importlib.util, sys; sys.exit(not importlib.util.find_spec('vllm'))"


def require_vllm() -> None:
    """Raise `CommandError` if the interpreter of vLLM's worker has no vLLM."""
    python = worker_python("vllm")
    try:
        found = subprocess.run([python, "-P", "-c", LOOK], capture_output=True, check=False).returncode == 0
    except OSError:
        found = False
    if not found:
        raise CommandError(f"--against vllm needs vllm, which {python} lacks", own_environment())
