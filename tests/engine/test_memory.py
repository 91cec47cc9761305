"""Freed memory stays for the next step, and is returned on request. Runs in a process of its own, since it is set for a
whole process."""

from __future__ import annotations

import subprocess
import sys

import pytest

FREED = """
import torch
from playground.engine.memory import give_back, keep_freed, process_memory

keep_freed()
for _ in "12":  # what the first call of an operator brings into memory stays
    before = process_memory()["process"]
    torch.ones(6 * 2**20)
    kept = process_memory()["process"] - before
    give_back(torch.device("cpu"))
print(kept, process_memory()["process"] - before)
"""
BYTES = 24 * 2**20


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's heap")
def test_freed_memory_is_taken_again_without_the_system_until_it_is_given_back():
    run = subprocess.run([sys.executable, "-c", FREED], capture_output=True, text=True, check=True, timeout=120)
    kept, given_back = map(int, run.stdout.split())
    assert kept > 0.9 * BYTES
    assert given_back < 0.1 * BYTES
