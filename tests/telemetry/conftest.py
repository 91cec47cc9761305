"""A stand-in for libnvidia-ml.so.1, compiled once, that nvidia-ml-py itself loads in a child process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

import playground
from playground.protocol.machine import GpuSample

Samples = list[tuple[tuple[GpuSample, ...], str]]

# Every argument is one step: environment variables to set, then a sample to take.
PROGRAM = """
import os, sys, msgspec
from playground.telemetry.nvml import Nvml
nvml, samples = Nvml(), []
for step in sys.argv[1:]:
    os.environ.update(msgspec.json.decode(step))
    samples.append(nvml.sample())
nvml.close()
print(msgspec.json.encode(samples).decode())
"""


@pytest.fixture(scope="session")
def nvml_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds the compiled stub."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("the NVML stub needs Linux and a C compiler")
    folder = tmp_path_factory.mktemp("nvml")
    source = Path(__file__).with_name("nvml_stub.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", folder / "libnvidia-ml.so.1", source], check=True)
    return folder


@pytest.fixture
def no_nvml(tmp_path: Path) -> Path:
    """A folder whose libnvidia-ml.so.1 is no library, so that none loads even where a driver is installed."""
    (tmp_path / "libnvidia-ml.so.1").touch()
    return tmp_path


@pytest.fixture
def sample(nvml_library: Path) -> Callable[..., Samples]:
    """Samples of a fresh process, one per step; `library` is the folder that NVML is looked for in."""

    def run(*steps: dict[str, str], library: Path = nvml_library) -> Samples:
        environment = os.environ | {
            "LD_LIBRARY_PATH": str(library),
            "PYTHONPATH": str(Path(playground.__file__).parents[1]),
        }
        arguments = [msgspec.json.encode(step).decode() for step in steps]
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *arguments], env=environment, capture_output=True, text=True, check=True
        )
        return msgspec.json.decode(done.stdout, type=Samples)

    return run
